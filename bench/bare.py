"""What a page costs at the least: Django without a database, one view, one template of a page's size."""

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

PAGE = """<!doctype html><title>{{ title }}</title><h1>{{ title }}</h1>
<table>{% for row in rows %}<tr><th>{{ row.name }}</th><td>{{ row.words }}</td></tr>
{% endfor %}</table>"""
ROWS = [
    {"name": f"Row {number}", "words": "as long as a line of text on a page is, more or less, " * 2}
    for number in range(80)
]
"""About 14 KB as HTML."""

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="no secret is kept by it",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)


def page(_request: HttpRequest) -> HttpResponse:
    """Render the template."""
    return HttpResponse(template.render({"title": "A page", "rows": ROWS}))


import django  # noqa: E402 — the settings stand above

django.setup()
template = engines["django"].from_string(PAGE)
urlpatterns = [path("", page)]
application = WSGIHandler()
