"""A chat client that types one message into a room, or prints the next one that somebody else says there."""
import sys

import slixmpp

host, port, jid, password, room, what = sys.argv[1:7]


class Client(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(jid, password)
        self.register_plugin("xep_0045")
        self.add_event_handler("session_start", self.start)
        self.add_event_handler("failed_auth", lambda _: sys.exit("wrong password"))
        self.add_event_handler("groupchat_message", self.hear)

    async def start(self, _event):
        self.send_presence()
        await self.plugin["xep_0045"].join_muc_wait(room, "python", maxstanzas=0)
        if what != "--listen":
            self.send_message(mto=room, mbody=what, mtype="groupchat")
        else:
            print("listening", flush=True)

    def hear(self, message):
        mine = message["mucnick"] == "python"
        if mine == (what != "--listen") and message["body"]:
            print(message["body"], flush=True)
            self.disconnect()


client = Client()
client["feature_mechanisms"].unencrypted_scram = True
client.connect((host, int(port)), disable_starttls=True)
client.loop.run_until_complete(client.disconnected)
