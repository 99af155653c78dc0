"""Publishes one text to an exchange."""
import sys

import pika

host, port, user, password, exchange, text = sys.argv[1:7]
parameters = pika.ConnectionParameters(
    host=host, port=int(port), credentials=pika.PlainCredentials(user, password)
)
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.confirm_delivery()
channel.basic_publish(exchange=exchange, routing_key="", body=text.encode())
connection.close()
