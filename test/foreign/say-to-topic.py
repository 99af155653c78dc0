"""Sends one text to a topic."""
import sys

import stomp

host, port, user, password, topic, text = sys.argv[1:7]
connection = stomp.Connection12([(host, int(port))], auto_content_length=False)
connection.connect(user, password, wait=True)
connection.send("/topic/" + topic, text, headers={"receipt": "sent"})
connection.disconnect(receipt="bye")
