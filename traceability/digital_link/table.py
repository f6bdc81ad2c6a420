"""Every GS1 application identifier (AI): its layout, its role in a Digital Link, its company.

Facts of the GS1 General Specifications, section 3 (formats), 4.13 and 4.14 (what must or must not
go together), and of GS1 Digital Link: URI Syntax 1.7, sections 4.3 to 4.10 (keys, qualifiers,
attributes), as of 2026; the house's own notation. One line an identifier or several of one kind:

    AIs ; layout ; role ; with ... ; not ...

A layout is a row of components: a character set (N digits; X set 82; Y set 39; Z set 64), a
length or `..` and the longest, the rules of its content (`content.py`), in brackets if it may be
missing (`4[...]`: up to four times). The role says `fixed` for a predefined length (no FNC1 after
it), `query` for a data attribute, `key` for a primary key with the rows of qualifiers it can have.
`with` names what must be there as well (a comma is "or", a plus "and"; several stand for several
demands), `not` what must not; `n` is any digit.

One line departs from the General Specifications: CPV (22) also goes with an ITIP (8006), as URI
Syntax 4.9 has it.
"""

from typing import Final

TABLE: Final = """
00 ; N18:check:prefix2 ; fixed query key
01 ; N14:check:prefix2 ; fixed query key=22,10,21|235 ; not 255,37
02 ; N14:check:prefix2 ; fixed query ; with 37 ; not 01,03
03 ; N14:check:prefix2 ; fixed ; not 01,02,37
10 ; X..20 ; query ; with 01,02,03,8006,8026
11 13 15 16 ; N6:month ; fixed query ; with 01,02,03,8006,8026
12 ; N6:month ; fixed query ; with 8020
17 ; N6:month ; fixed query ; with 01,02,03,255,8006,8026
20 ; N2 ; fixed query ; with 01,02,8006,8026
21 ; X..20 ; - ; with 01,03,8006 ; not 235
22 ; X..20 ; - ; with 01,8006
235 ; X..28 ; - ; with 01
240 241 ; X..30 ; query ; with 01,02,8006,8026
242 ; N..6 ; query ; with 01,02,8006,8026
243 ; X..20 ; query ; with 01
250 ; X..30 ; query ; with 01,8006 ; with 21
251 ; X..30 ; query ; with 01,8006
253 ; N13:check:prefix [X..17] ; query key
254 ; X..20 ; - ; with 414
255 ; N13:check:prefix [N..12] ; query key ; not 01,02,415,8006,8020,8026
30 ; N..8 ; query ; with 01,02
37 ; N..8 ; query ; with 00 ; with 02,8026
3900-3909 ; N..15 ; query ; with 255,8020 ; not 390n,391n,394n,8111
3910-3919 ; N3:currency N..15 ; query ; with 8020 ; not 391n
3920-3929 ; N..15 ; query ; with 01 ; with 30,31nn,32nn,35nn,36nn ; not 392n,393n
3930-3939 ; N3:currency N..15 ; query ; with 30,31nn,32nn,35nn,36nn ; not 393n
3940-3943 ; N4 ; query ; with 255 ; not 394n,8111
3950-3955 ; N6 ; query ; with 30,31nn,32nn,35nn,36nn ; not 392n,393n,395n,8005
400 ; X..30 ; query
401 ; X..30:prefix ; query key
402 ; N17:check:prefix ; query key
403 ; X..30 ; query ; with 00
410-413 416 ; N13:check:prefix ; fixed query
414 ; N13:check:prefix ; fixed query key=254|7040
415 ; N13:check:prefix ; fixed query key=8020 ; with 8020
417 ; N13:check:prefix ; fixed query key=7040
420 ; X..20 ; query ; not 421
421 ; N3:country X..9 ; query ; not 4307
422 ; N3:country ; query ; with 01,02,8006,8026 ; not 426
423 425 ; N3:country 4[N3]:country ; query ; with 01,02 ; not 426
424 ; N3:country ; query ; with 01,02 ; not 426
426 ; N3:country ; query ; with 01,02
427 ; X..3 ; query ; with 01,02 ; with 422
4300 4301 4310 4311 4320 ; X..35:percent ; query ; with 00
4302 4304-4306 4312 4314-4316 ; X..70:percent ; query ; with 00
4303 ; X..70:percent ; query ; with 4302
4313 ; X..70:percent ; query ; with 4312
4307 4317 ; X2:country_letters ; query ; with 00
4308 4319 ; X..30 ; query ; with 00
4309 ; N10:latitude N10:longitude ; query ; with 00
4318 ; X..20 ; query ; with 00
4321-4323 ; N1:yes_no ; query ; with 00
4324 4325 ; N6:month N4:hour_minute ; query ; with 00
4326 ; N6:day ; query ; with 00
4330 ; N6 [X1]:hyphen ; query ; with 00 ; not 4331
4331 ; N6 [X1]:hyphen ; query ; with 00 ; not 4330
4332 ; N6 [X1]:hyphen ; query ; with 00 ; not 4333
4333 ; N6 [X1]:hyphen ; query ; with 00 ; not 4332
7001 ; N13 ; query ; with 01,02,8006,8026
7002 ; X..30 ; query ; with 01,02
7003 ; N6:day N4:hour_minute ; query ; with 01,02
7004 ; N..4 ; query ; with 01+10
7005 ; X..12 ; query ; with 01,02
7006 ; N6:day ; query ; with 01,02
7007 ; N6:day [N6]:day ; query ; with 01,02
7008 ; X..3 ; query ; with 01,02
7009 ; X..10 ; query ; with 01,02
7010 ; X..2 ; query ; with 01,02
7011 ; N6:day [N4]:hour_minute ; query ; with 01,02
7020 ; X..20 ; query ; with 01,8006 ; with 416
7021 ; X..20 ; query ; with 01,8006
7022 ; X..20 ; query ; with 7021
7023 ; X..30:prefix ; query
7030-7039 ; N3:country_or_many X..27 ; query ; with 01,02
7040 ; N1 X1 X1 X1:importer ; -
7041 ; X..4:package ; - ; with 00
710-717 ; X..20 ; query ; with 01
7230-7239 ; X2 X..28 ; query ; with 01,8004
7240 ; X..20 ; query ; with 01,8006
7241 ; N2:carrier ; query ; with 8017,8018
7242 ; X..25 ; query ; with 8017,8018
7250 ; N8:birthday ; query ; with 8018 ; not 7251
7251 ; N8:birthday N4:hour_minute ; query ; with 8018 ; not 7250
7252 ; N1:sex ; query ; with 8018
7253 7254 ; X..40:percent ; query ; with 8017,8018 ; not 7256,7259
7255 ; X..10 ; query ; with 8017,8018 ; not 7256,7259
7256 ; X..90:percent ; query ; with 8017,8018
7257 ; X..70:percent ; query ; with 8018
7258 ; X3:place_in_row ; query ; with 8018+7259
7259 ; X..40:percent ; query ; with 8018 ; not 7256
8001 ; N4:not_zero N5:not_zero N3:not_zero N1:winding N1 ; query ; with 01
8002 ; X..20 ; query
8003 ; N1:zero N13:check:prefix [X..16] ; query key
8004 ; X..30:prefix ; query key=7040
8005 ; N6 ; query ; with 01,02
8006 ; N14:check:prefix2 N4:piece ; query key=22,10,21 ; not 01,37
8007 ; X..34:iban ; query ; with 415
8008 ; N6:day N2:hour [N2]:minute [N2]:minute ; query ; with 01,02
8009 ; X..50 ; query ; with 00,01
8010 ; Y..30:prefix ; query key=8011
8011 ; N..12:no_zero_first ; - ; with 8010
8012 ; X..20 ; query ; with 01,8006
8013 ; X..25:check_pair:prefix ; query key
8014 ; X..25:check_pair:prefix:not_only_digits ; - ; with 01
8017 ; N18:check:prefix ; query key=8019 ; not 8018
8018 ; N18:check:prefix ; query key=8019 ; not 8017
8019 ; N..10 ; - ; with 8017,8018
8020 ; X..25 ; - ; with 415
8026 ; N14:check:prefix2 N4:piece ; query ; with 37 ; not 02,8006
8030 ; Z..90:padding ; query ; with 00,01+21,253,255,8003,8004,8006+21,8010+8011,8017,8018
8040 ; N15 ; - ; with 01+21
8041 ; N15 ; - ; with 01+21+8040
8042 ; N32 ; - ; with 01+21+8040
8043 ; N18 [N..2] ; - ; with 01+21+8040
8110 ; X..70:coupon ; query
8111 ; N4 ; query ; with 255
8112 ; X..70:coupon_offer ; query
8200 ; X..70 ; - ; with 01
90 ; X..30 ; query
91-99 ; X..90 ; query
"""

#: Measures, six digits each; the last digit of the AI says how many are decimals.
_NET: Final = (
    "310 311 312 313 314 315 316 320 321 322 323 324 325 326 327 328 329 "
    "350 351 352 356 357 360 361 364 365 366"
)
_GROSS: Final = (
    "330 331 332 333 334 335 336 340 341 342 343 344 345 346 347 348 349 "
    "353 354 355 362 363 367 368 369"
)


def lines() -> list[str]:
    """Give every line of the table, those of measures included."""
    measures = [
        f"{family}0-{family}5 ; N6 ; fixed query ; with {company} ; not {family}n"
        for families, company in ((_NET, "01,02"), (_GROSS, "00,01"), ("337", "01"))
        for family in families.split()
    ]
    return [*TABLE.strip().splitlines(), *measures]
