"""A blog as a process of its own: checks each message, keeps it for good, then says so.

Called by `test_killed` with a port, a key and a file; to be killed at any moment.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        key, path = base64.b64decode(sys.argv[2].removeprefix("whsec_")), sys.argv[3]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode()
        digest = hmac.digest(key, signed + body, hashlib.sha256)
        expected = f"v1,{base64.b64encode(digest).decode()}"
        if not hmac.compare_digest(expected, self.headers["webhook-signature"]):
            self.send_error(401)
            return
        told = json.loads(body)["data"]
        with open(path, "a", encoding="utf-8") as kept:
            kept.write(f"{self.headers['webhook-id']} {told['comment']} {told['version']}\n")
            kept.flush()
            os.fsync(kept.fileno())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    HTTPServer.allow_reuse_address = True
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
