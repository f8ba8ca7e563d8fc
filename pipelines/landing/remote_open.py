"""Connect to a source's server by its transport.

Belongs here: which kind of server a transport is. Not here: how each kind does it (remote_sftp.py, remote_s3.py,
remote_https.py), what they have in common (remotes.py).
"""

from __future__ import annotations

from pipelines.home import Home, Source
from pipelines.landing.remotes import Remote


def open_remote(home: Home, source: Source) -> Remote:
    """Connect to a source's server.

    Raises:
        Trouble: It cannot be reached, is not the one it should be, or does not let us in.
        ConfigurationError: A secret cannot be resolved, or a file named in the settings cannot be used.
    """
    _hush()
    if source.transport == "sftp":
        from pipelines.landing.remote_sftp import SftpRemote

        return SftpRemote(home, source)
    if source.transport == "s3":
        from pipelines.landing.remote_s3 import S3Remote

        return S3Remote(home, source)
    from pipelines.landing.remote_https import HttpsRemote

    return HttpsRemote(home, source)


def _hush() -> None:
    """Keep quiet what a broken line leaves behind in fsspec's thread: the trouble itself is told by who was asking."""
    from fsspec.asyn import get_loop

    get_loop().set_exception_handler(lambda loop, context: None)
