"""The wallboard: a page that reads the call center from the broker over WebSocket, and needs no gateway to be served.

``static`` has the page as it was built from ``deploy/wallboard``. Any web server may serve it; the gateway does so at
``http.listen``.
"""

from pathlib import Path
from typing import Final

FILES: Final = Path(__file__).parent / "static"
"""The folder to serve; ``index.html`` is the page, ``config.json`` says where the broker is."""
