"""How Django's forms are rendered: from this project's templates, before Django's own."""

from django.forms.renderers import TemplatesSetting


class PortalRenderer(TemplatesSetting):
    """Renders forms from the project's template engine, so that `templates/django/forms/` overrides Django's.

    Django's own form templates are found through `django.forms` in INSTALLED_APPS.
    """

    form_template_name = "components/fields.html"
