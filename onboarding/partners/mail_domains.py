"""What the domain of an e-mail address says about a company."""


def company_domain(address: str) -> str:
    """Return the domain of an e-mail address, in small letters; empty where everybody can have one."""
    domain = address.rpartition("@")[2].casefold()
    return "" if domain in PUBLIC_MAIL or any(domain.endswith(f".{one}") for one in PUBLIC_MAIL) else domain


PUBLIC_MAIL = frozenset(
    """
    1und1.de 126.com 163.com 9online.fr aim.com alice.it alice.fr alumni.com aol.com aol.de aol.fr aon.at arcor.de
    att.net bbox.fr bell.net bellsouth.net bigpond.com blueyonder.co.uk bluewin.ch bol.com.br btinternet.com
    caramail.com centrum.cz chello.at chello.nl club-internet.fr comcast.net cox.net duck.com earthlink.net
    eircom.net email.com email.cz email.de fastmail.com fastmail.fm fastwebnet.it foxmail.com free.fr freenet.de
    freemail.hu gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.fr gmx.net googlemail.com hey.com home.nl hotmail.be
    hotmail.ca hotmail.ch hotmail.co.uk hotmail.com hotmail.com.br hotmail.de hotmail.es hotmail.fr hotmail.it
    hotmail.nl hushmail.com icloud.com ig.com.br inbox.com inbox.lv inbox.ru inwind.it iol.it iol.pt kpnmail.nl
    laposte.net libero.it list.ru live.be live.ca live.co.uk live.com live.de live.fr live.it live.nl live.se
    mac.com mail.com mail.de mail.ru mailbox.org mailfence.com mailinator.com me.com msn.com naver.com neuf.fr
    noos.fr ntlworld.com numericable.fr o2.pl onet.pl online.de online.no optonline.net optusnet.com.au orange.fr
    outlook.be outlook.com outlook.de outlook.es outlook.fr outlook.it planet.nl pm.me poczta.onet.pl portugalmail.pt
    posteo.de posteo.net proton.me protonmail.ch protonmail.com qq.com rambler.ru rediffmail.com rocketmail.com
    rogers.com sapo.pt sbcglobal.net scarlet.be seznam.cz sfr.fr shaw.ca simplelogin.com sina.com skynet.be sky.com
    t-online.de telefonica.net telenet.be telia.com terra.com.br tin.it tiscali.co.uk tiscali.it tuta.com
    tuta.io tutamail.com tutanota.com tutanota.de ukr.net uol.com.br verizon.net virgilio.it virgin.net
    virginmedia.com voila.fr vodafone.it vp.pl wanadoo.es wanadoo.fr web.de wp.pl xs4all.nl xtra.co.nz yahoo.be
    yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.au yahoo.com.br yahoo.de yahoo.es yahoo.fr
    yahoo.ie yahoo.it yahoo.nl yahoo.se yandex.com yandex.ru yeah.net ymail.com zoho.com zohomail.eu ziggo.nl
    """.split()  # noqa: SIM905 — a list of words reads better in lines than one to a line
)
"""Domains whose mail providers give an address to everybody, and services for addresses that are thrown away. An
address there says nothing about the company. The list need not be complete: an owner decides on each request."""
