"""A real IMAP server of our own for the length of a test: Dovecot on a free loopback port, mail as Maildir files."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers import free_port, process

USER, PASSWORD = "help@shop.example", "rahasia 100%"


@dataclass
class Dovecot:
    port: int
    folder: Path

    def url(self, password: str = PASSWORD, folder: str = "INBOX", port: int = 0) -> str:
        quoted = password.replace("%", "%25").replace(" ", "%20")
        return f"imap://{USER.replace('@', '%40')}:{quoted}@127.0.0.1:{port or self.port}/{folder}"

    def maildir(self, folder: str = "INBOX") -> Path:
        return self.folder / "mail" / ("" if folder == "INBOX" else f".{folder}")

    def deliver(self, name: str, mail: bytes, folder: str = "INBOX") -> None:
        """As a mail server does: written aside, then there at once."""
        place = self.maildir(folder)
        for part in ("tmp", "new", "cur"):
            (place / part).mkdir(parents=True, exist_ok=True)
        (place / "tmp" / name).write_bytes(mail)
        _own(place)
        os.rename(place / "tmp" / name, place / "new" / name)

    def deliver_old(self, name: str, mail: bytes, at: float) -> None:
        """Read long ago, received then; many at once, so ``own`` follows."""
        file = self.maildir() / "cur" / f"{name}:2,S"
        file.write_bytes(mail)
        os.utime(file, (at, at))

    def own(self) -> None:
        _own(self.maildir())

    def recreate(self) -> None:
        """The folder's numbers begin anew under another UIDVALIDITY."""
        listed = self.maildir() / "dovecot-uidlist"
        validity = int(listed.read_text().split(" V", 1)[1].split()[0])
        for file in self.maildir().glob("dovecot*"):
            file.unlink()
        # By itself it would be the time in seconds, and a test is faster than that.
        listed.write_text(f"3 V{validity + 7} N1\n")
        for part in ("new", "cur"):
            for number, file in enumerate(sorted((self.maildir() / part).iterdir())):
                with suppress(OSError):
                    file.rename(file.with_name(f"again{number}.{file.name}"))
        self.own()


def _own(place: Path) -> None:
    if os.geteuid() == 0:
        for path in (place, *place.rglob("*")):
            with suppress(FileNotFoundError):
                shutil.chown(path, "nobody", "nogroup")


OAUTH = """passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth.conf
}}"""


@contextmanager
def dovecot(introspection: str = "") -> Iterator[Dovecot]:
    """introspection: where it asks whether an access token is good; then it takes those too (XOAUTH2)."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pelanggan-dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Dovecot(port, folder)
        for part in ("tmp", "new", "cur"):
            (server.maildir() / part).mkdir(parents=True)
        _own(folder / "mail")
        (folder / "oauth.conf").write_text(
            f"introspection_url = {introspection}\nintrospection_mode = post\nusername_attribute = username\n"
            "active_attribute = active\nactive_value = true\n"
        )
        (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
        root = os.geteuid() == 0
        me, group = ("nobody", "nogroup") if root else (getpass.getuser(), str(os.getegid()))
        (folder / "dovecot.conf").write_text(f"""
base_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login{" xoauth2 oauthbearer" if introspection else ""}
auth_failure_delay = 0
default_internal_user = {"dovecot" if root else me}
default_login_user = {"dovenull" if root else me}
first_valid_uid = 1
mail_location = maildir:{folder}/mail
mail_fsync = never
mailbox_idle_check_interval = 1 secs
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
{OAUTH.format(folder=folder) if introspection else ""}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={me} gid={group} home={folder}
}}
""")
        command = [str(shutil.which("dovecot") or "/usr/sbin/dovecot"), "-F", "-c", str(folder / "dovecot.conf")]
        with process(command, port):
            yield server


class Cutting(threading.Thread):
    """A line to the server that breaks after so many bytes have come back over it, once."""

    def __init__(self, port: int, after: int) -> None:
        super().__init__(daemon=True)
        self.target, self.left = port, after
        self.cut = threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listening.getsockname()[1])

    def run(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self.listening.accept()
                there = socket.create_connection(("127.0.0.1", self.target))
                threading.Thread(target=self.carry, args=(here, there, False), daemon=True).start()
                threading.Thread(target=self.carry, args=(there, here, True), daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if counted and not self.cut.is_set():
                    self.left -= len(data)
                    if self.left < 0:
                        target.sendall(data[: len(data) // 2])
                        self.cut.set()
                        break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
