"""Uploads stay in memory, bounded, and never touch a disk: one of them may be a private key."""

import re
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload


class BoundedMemoryUploadHandler(FileUploadHandler):
    """Keeps at most MAX_UPLOAD_BYTES + 1 bytes of each file: enough for a form to see that it is too large.

    The rest is read and dropped, so that the form can answer beside the field; past 16 MiB the connection is closed.
    Where LARGE_UPLOADS says so, more files come in, and larger ones; the bound is then on all of them together.
    """

    HOPELESS_BYTES = 16 * 1024 * 1024

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        path = getattr(request, "path", "")
        large = next((most for one, most in settings.LARGE_UPLOADS.items() if re.fullmatch(one, path)), None)
        self.is_large = large is not None
        self.room, self.files_left = large or (settings.MAX_UPLOAD_BYTES, settings.MAX_FILES)
        self.room += 1

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.files_left -= 1
        if self.files_left < 0:
            raise TooManyFilesSent("The number of files exceeded what this page takes.")
        self.file = BytesIO()
        self.received = 0
        if not self.is_large:
            self.room = settings.MAX_UPLOAD_BYTES + 1

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > self.HOPELESS_BYTES:
            raise StopUpload(connection_reset=True)
        kept = raw_data[: self.room]
        self.file.write(kept)
        self.room -= len(kept)

    def file_complete(self, file_size: int) -> UploadedFile:
        size = self.file.tell()
        self.file.seek(0)
        return InMemoryUploadedFile(
            file=self.file,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
