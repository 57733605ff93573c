"""Visit limits: how many, how many are left, and what they are shared with."""

from cleargate.nouns.coverage import Network, Verdict
from tests.unit.coverage.answers import ACTIVE_PLAN, codes, coverage_of, service

PT = f"{ACTIVE_PLAN}\nEB*1**PT"


def test_a_limit_under_related_services_is_found_with_what_remains_of_it() -> None:
    rows = (
        f"{PT}\nEB*F*IND*AD^AE^AF***23***VS*40**Y\n"
        "MSG*COMBINED TOTAL FOR PHYSICAL, OCCUPATIONAL, SPEECH\n"
        "EB*F*IND*AD^AE^AF***29***VS*31**Y\n"
        "MSG*COMBINED TOTAL FOR PHYSICAL, OCCUPATIONAL, SPEECH"
    )
    coverage = coverage_of(rows, services=("PT", "30"))
    [limit] = coverage.visit_limits
    assert (limit.allowed, limit.remaining, limit.period) == (40, 31, "calendar_year")
    assert limit.shared == "COMBINED TOTAL FOR PHYSICAL, OCCUPATIONAL, SPEECH"


def test_a_limit_of_an_unrelated_service_is_not_shown() -> None:
    assert coverage_of(f"{PT}\nEB*F*IND*33***23***VS*12**Y").visit_limits == ()


def test_a_combined_limit_under_chiropractic_counts_when_its_words_name_the_service() -> None:
    rows = (
        f"{PT}\nEB*F*IND*33***23***VS*60*N*Y\n"
        "MSG*COMBINED CHIROPRACTIC AND PHYSICAL THERAPY AND COGNITIVE THERAPY"
    )
    [limit] = coverage_of(rows).visit_limits
    assert (limit.allowed, limit.service_types) == (60, ("33",))
    assert "COGNITIVE" in limit.shared


def test_a_limit_that_only_its_words_bring_here_has_what_remains_under_its_opening_words() -> None:
    rows = (
        f"{PT}\nEB*F*IND*33\nHSD*VS*60***21*1\nMSG*SHRT TRM REHAB,Physical Therapy in Office\n"
        "EB*F*IND*33\nHSD*VS*45***29\nMSG*SHRT TRM REHAB\n"
        "EB*F*IND*33\nHSD*VS*9***29\nMSG*MASSAGE"
    )
    [limit] = coverage_of(rows).visit_limits
    assert (limit.allowed, limit.remaining, limit.period) == (60, 45, "years")


def test_a_limit_repeated_without_its_network_flag_is_one_limit() -> None:
    rows = (
        (
            f"{PT}\nEB*F*IND*33^PT***23***VS*60****Y\nEB*F*IND*33^PT***29***VS*45****Y\n"
            "EB*F*IND*33^PT***23***VS*60\nEB*F*IND*33^PT***29***VS*45"
        )
        .replace("VS*60****Y", "VS*60**Y")
        .replace("VS*45****Y", "VS*45**Y")
    )
    [limit] = coverage_of(rows).visit_limits
    assert (limit.allowed, limit.remaining, limit.network) == (60, 45, Network.IN)


def test_limits_of_two_networks_stay_two() -> None:
    rows = f"{PT}\nEB*F*IND*PT***23***VS*60**Y\nEB*F*IND*PT***23***VS*20**N"
    assert [limit.allowed for limit in coverage_of(rows).visit_limits] == [60, 20]


def test_a_limit_in_hsd_is_read_with_its_period_and_remainder() -> None:
    rows = f"{PT}\nEB*F*IND*PT*********Y\nHSD*VS*30***23\nHSD*VS*12***29"
    [limit] = coverage_of(rows).visit_limits
    assert (limit.allowed, limit.remaining, limit.period) == (30, 12, "calendar_year")
    assert limit.source.element == "HSD"


def test_hsd_frequencies_name_their_number_of_periods() -> None:
    [limit] = coverage_of(f"{PT}\nEB*D*IND*PT\nHSD*FL*1***34*6").visit_limits
    assert (limit.allowed, limit.unit, limit.period) == (1, "units", "6 month")


def test_a_visit_every_second_month_is_not_one_a_month() -> None:
    [limit] = coverage_of(f"{PT}\nEB*F*IND*PT*********Y\nHSD*VS*1*MO*2").visit_limits
    assert (limit.allowed, limit.period) == (1, "2 months")


def test_a_limit_in_words_is_read() -> None:
    rows = f"{PT}\nEB*F*IND*PT*********Y\nMSG*30 VISITS PER CALENDAR YEAR, 12 VISITS REMAINING"
    [limit] = coverage_of(rows).visit_limits
    assert (limit.allowed, limit.remaining, limit.period) == (30, 12, "calendar_year")


def test_words_with_two_different_limits_are_left_to_a_person() -> None:
    rows = f"{PT}\nEB*F*IND*PT*********Y\nMSG*30 VISITS PER YEAR\nMSG*20 VISITS PER CONDITION"
    coverage = coverage_of(rows)
    assert coverage.visit_limits == ()
    assert "limit_unreadable" in codes(coverage)


def test_a_quantity_in_the_wrong_field_is_no_limit_and_has_a_reason() -> None:
    coverage = coverage_of(f"{PT}\nEB*F*IND*PT*PO*23*20****VS")
    assert coverage.visit_limits == ()
    assert "limit_unreadable" in codes(coverage)


def test_an_age_limit_is_no_visit_limit() -> None:
    coverage = coverage_of(f"{PT}\nEB*F*IND*PT******S7*21")
    assert coverage.visit_limits == ()
    assert "limit_unreadable" not in codes(coverage)


def test_no_visits_left_makes_the_service_unclear() -> None:
    coverage = coverage_of(f"{PT}\nEB*F*IND*PT***23***VS*20**Y\nEB*F*IND*PT***29***VS*0**Y")
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert "visits_used_up" in codes(coverage)


def test_no_visits_left_out_of_network_does_not() -> None:
    rows = f"{PT}\nEB*F*IND*PT***23***VS*20**N\nEB*F*IND*PT***29***VS*0**N"
    assert coverage_of(rows).verdict is Verdict.ACTIVE


def test_used_visits_become_what_remains() -> None:
    rows = f"{PT}\nEB*F*IND*PT***23***VS*20**Y\nEB*F*IND*PT******99*5**Y"
    [limit] = coverage_of(rows).visit_limits
    assert (limit.allowed, limit.remaining) == (20, 15)


def test_more_left_than_allowed_is_a_contradiction() -> None:
    coverage = coverage_of(f"{PT}\nEB*F*IND*PT***23***VS*20**Y\nEB*F*IND*PT***29***VS*25**Y")
    assert service(coverage).verdict is Verdict.ACTIVE_UNCLEAR
    assert "limit_disagrees" in codes(coverage)


def test_a_limit_used_up_that_only_its_words_bring_here_makes_the_service_unclear() -> None:
    rows = (
        f"{PT}\nEB*F*IND*33***23***VS*20**Y\nMSG*PHYSICAL THERAPY BY CHIROPRACTOR\n"
        "EB*F*IND*33***29***VS*0**Y\nMSG*PHYSICAL THERAPY BY CHIROPRACTOR"
    )
    assert service(coverage_of(rows)).verdict is Verdict.ACTIVE_UNCLEAR


def test_a_limit_of_the_whole_plan_that_is_used_up_reaches_every_service() -> None:
    coverage = coverage_of(f"{PT}\nEB*1**98\nEB*F*IND*30***29***VS*0**Y")
    assert {service(coverage, code).verdict for code in ("PT", "98", "30")} == {
        Verdict.ACTIVE_UNCLEAR
    }


def test_no_days_left_in_hospital_under_the_plan_do_not_reach_a_visit() -> None:
    coverage = coverage_of(f"{PT}\nEB*F*IND*30***29***DY*0**Y")
    assert coverage.verdict is Verdict.ACTIVE


def test_a_related_services_limit_that_is_used_up_counts_where_the_service_has_none() -> None:
    rows = f"{PT}\nEB*F*IND*AE***29***VS*0**Y"
    assert coverage_of(rows).verdict is Verdict.ACTIVE_UNCLEAR
    own = f"{rows}\nEB*F*IND*PT***29***VS*22**Y"
    assert coverage_of(own).verdict is Verdict.ACTIVE


def test_words_against_the_rows_own_remainder_are_a_contradiction() -> None:
    coverage = coverage_of(f"{PT}\nEB*F*IND*PT***29***VS*12**Y\nMSG*10 VISITS REMAINING")
    assert "limit_disagrees" in codes(coverage)


def test_words_about_a_week_or_a_review_contradict_no_yearly_limit() -> None:
    rows = f"{PT}\nEB*F*IND*PT***23***VS*30**Y\nMSG*MAX 3 VISITS PER WEEK, REVIEW AFTER 12 VISITS"
    coverage = coverage_of(rows)
    assert (coverage.verdict, codes(coverage)) == (Verdict.ACTIVE, set())


def test_a_limit_in_dollars_is_told_and_stops_once_nothing_is_left_of_it() -> None:
    coverage = coverage_of(f"{PT}\nEB*F*IND*PT***23*2000*****Y")
    assert (coverage.verdict, codes(coverage)) == (Verdict.ACTIVE, {"limit_in_money"})
    spent = coverage_of(f"{PT}\nEB*F*IND*PT***23*2000*****Y\nEB*F*IND*PT***29*0*****Y")
    assert spent.verdict is Verdict.ACTIVE_UNCLEAR


def test_visits_without_limit_and_a_limit_of_visits_are_a_contradiction() -> None:
    unlimited = "EB*H*IND*PT***23***VS***Y"
    coverage = coverage_of(f"{PT}\nEB*F*IND*PT***23***VS*30**Y\n{unlimited}")
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert "limit_disagrees" in codes(coverage)
    outside = coverage_of(f"{PT}\nEB*F*IND*PT***23***VS*30**N\n{unlimited}")
    assert outside.verdict is Verdict.ACTIVE


def test_words_that_say_that_nothing_is_left_are_heard_unless_under_a_condition() -> None:
    limit = f"{PT}\nEB*F*IND*PT***23***VS*30**Y\nMSG*"
    coverage = coverage_of(f"{limit}BENEFIT EXHAUSTED")
    assert (coverage.verdict, codes(coverage)) == (Verdict.ACTIVE_UNCLEAR, {"visits_used_up"})
    assert coverage_of(f"{limit}PATIENT PAYS ALL ONCE BENEFIT IS EXHAUSTED").reasons == ()
