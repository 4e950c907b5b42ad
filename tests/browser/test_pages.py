"""Pages beside the journey, what goes wrong on the way in, and that the examination notices what it is for."""

from tests.browser.conftest import Visit


def test_pages_for_strangers_and_their_errors(visit: Visit) -> None:
    stranger = visit()
    stranger.open("/accounts/login/").look("sign in")
    stranger.press("Sign in").sees_problem("E-mail address", "Password").look("sign in, sent empty")
    stranger.fill({"E-mail address": "nobody@walk.example", "Password": "wrong"}).press("Sign in")
    stranger.sees_problem("e-mail").look("sign in, wrong")
    stranger.open("/accounts/password/reset/").look("password reset").press("Send the link")
    stranger.sees_problem("E-mail address").look("password reset, sent empty")
    stranger.fill({"E-mail address": "nobody@walk.example"}).press("Send the link").look("password reset, sent")
    stranger.open("/accounts/confirm-email/no-such-key/").heading("This link no longer works").look("old link")
    stranger.open("/no/such/page/").heading("There is no such page").look("404")
    stranger.open("/styleguide/").look("styleguide")


def test_too_many_attempts_are_told_to_wait(visit: Visit) -> None:
    stranger = visit()
    for _attempt in range(12):
        stranger.open("/accounts/password/reset/").fill({"E-mail address": "often@walk.example"})
        stranger.press("Send the link")
        if stranger.page.get_by_text("Error 429").count():
            break
    stranger.heading("Too many attempts").look("429")


def test_pages_of_a_member(visit: Visit) -> None:
    member = visit("Example Mobility Developer")
    member.open("/profile/").look("profile, member")
    member.open("/accounts/password/change/").press("Save the password").sees_problem("Current password")
    member.look("password change, sent empty").open("/accounts/email/").look("e-mail addresses")
    member.open("/accounts/logout/").look("sign out")
    member.open("/desk/").look("403")


def test_an_empty_desk_says_what_will_come(visit: Visit) -> None:
    issuer = visit("Issuer")
    issuer.open("/desk/?show=waiting").look("desk").open("/desk/certificates/?show=decided").look("desk: certificates")
    issuer.open("/desk/health/").look("desk: health")


HARMS = {
    "document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=\"data:,\">')": "image-alt",
    "document.querySelector('h1').insertAdjacentHTML('afterend', '<table width=2000><tr><td>')": "overflows at 360",
    "document.body.setAttribute('style', 'color: red')": "style-src",
    "document.querySelector('h1').textContent = '{# a comment'": "template code",
    "fetch('/no/such/page/')": "404 for",
    "fetch('https://elsewhere.example/').catch(() => null)": "https://elsewhere.example",
    "setTimeout(() => { throw new Error('sand'); })": "script error",
}
"""What is done to a page, and what the examination says of that and of nothing else here."""


def test_the_examination_notices_each_harm(visit: Visit) -> None:
    stranger = visit().open("/accounts/signup/").look("as it is")
    problems = stranger.examiner.problems
    assert problems == []
    stranger.page.evaluate(f"() => {{ {'; '.join(HARMS)}; }}")
    stranger.look("harmed")
    for harm, noticed in HARMS.items():
        assert any(noticed in problem for problem in problems), (harm, problems)
    problems.clear()
