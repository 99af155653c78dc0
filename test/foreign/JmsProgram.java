import javax.jms.Connection;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;
import javax.jms.Topic;
import org.apache.activemq.ActiveMQConnectionFactory;

/** Publishes one TextMessage over OpenWire, or prints the text of the next one that comes. */
public class JmsProgram {
  public static void main(String[] args) throws Exception {
    String url = args[0], user = args[1], password = args[2], topicName = args[3], text = args[4];
    Connection connection = new ActiveMQConnectionFactory(url).createConnection(user, password);
    connection.start();
    Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    Topic topic = session.createTopic(topicName);
    if (text.equals("--listen")) {
      MessageConsumer consumer = session.createConsumer(topic);
      System.out.println("listening");
      while (true) {
        Message message = consumer.receive(20000);
        if (message == null) throw new IllegalStateException("nothing was heard");
        if (!(message instanceof TextMessage)) continue;
        String heard = ((TextMessage) message).getText();
        System.out.println(heard);
        if (heard.contains("article:")) break;
      }
    } else {
      MessageProducer producer = session.createProducer(topic);
      producer.send(session.createTextMessage(text));
    }
    connection.close();
  }
}
