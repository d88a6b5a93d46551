"""OpenTAXII as it is served, in an environment of its own: `PYTHONPATH=build/taxii python taxii_server.py FOLDER`.

Its database is SQLite with the settings that it comes with; anybody may write into the one collection; there is no
TLS; and one thread answers, for with several its database is locked against itself and messages are refused. It prints
a line with its URL and the collection's path, and serves until it is ended. Nothing of the product is imported here:
both need other versions of the same packages.
"""

import os
import socket
import sys
from pathlib import Path

CONFIGURATION = """
domain: "localhost"
auth_api:
  class: opentaxii.auth.sqldb.SQLDatabaseAPI
  parameters: {{db_connection: "sqlite:///{folder}/auth.db", create_tables: yes, secret: "of no use"}}
taxii1:
taxii2:
  allow_custom_properties: yes
  persistence_api:
    class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI
    parameters: {{db_connection: "sqlite:///{folder}/data.db", create_tables: yes}}
logging: {{opentaxii: warning, root: warning}}
"""


def main(folder: Path) -> None:
    """Configure, make the collection, and become gunicorn on a port that was free."""
    configuration = folder / "opentaxii.yml"
    configuration.write_text(CONFIGURATION.format(folder=folder))
    os.environ["OPENTAXII_CONFIG"] = str(configuration)
    from opentaxii.http import app  # type: ignore[import-not-found]  # noqa: PLC0415 - reads its configuration now

    with app.app_context():
        store = app.taxii_server.servers.taxii2.persistence.api
        root = store.add_api_root(title="bench", default=True, is_public=True)
        collection = store.add_collection(api_root_id=root.id, title="bench", is_public=True, is_public_write=True)
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    os.set_inheritable(listening.fileno(), True)
    path = f"/taxii2/{root.id}/collections/{collection.id}/objects/"
    sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]} {path}\n")
    sys.stdout.flush()
    options = ("--bind", f"fd://{listening.fileno()}", "--worker-class", "gthread", "--threads", "1")
    serve = ("-m", "gunicorn", *options, "--keep-alive", "75", "--log-level", "warning", "opentaxii.http:app")
    os.execv(sys.executable, [sys.executable, *serve])  # noqa: S606 - its own program


if __name__ == "__main__":
    main(Path(sys.argv[1]))
