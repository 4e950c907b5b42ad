"""The reader's own time zone and language."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation


class ReaderMiddleware:
    """Shows times in the reader's zone and pages in the reader's language, once they have signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        language = request.user.language  # who signs out is nobody afterwards
        with timezone.override(request.user.time_zone), translation.override(language):
            response = self.get_response(request)
        # Otherwise LocaleMiddleware names the language that the browser asks for.
        response.headers.setdefault("Content-Language", language)
        return response
