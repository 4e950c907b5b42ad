"""A step of allauth's sign-in that is ours."""

from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest

from onboarding.web.second_factor import by_provider


class SecondFactorStage(AuthenticateStage):
    """Asks for the second factor of those who have one, unless the provider of single sign-on has asked for it."""

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        return not (user and by_provider(request, user)) and super()._should_handle(request)
