"""What the rules of phi.yml must find (ruleid) and must let pass (ok)."""


def values_in_log(_log, self, patient, person, error, case, connection, request):
    # ruleid: phi-in-log
    _log.info("found", patient.birth_date)
    # ruleid: phi-in-log
    self._log.warning(f"no match for {patient.family}, case {case.id}")
    # ruleid: phi-in-log
    structlog.get_logger().error("failed %s" % person.name)
    # ruleid: phi-in-log
    logging.info("failed for {}".format(email))
    # ruleid: phi-in-log
    logger.debug("sent", str(member_id))
    # ruleid: phi-in-log
    _log.bind(practice=person.address.city)
    # ok: phi-in-log
    _log.info("request", method=request.method, code="patient name unknown")
    # ok: phi-in-log
    _log.error("failed", error=type(error).__name__, case=case.id, connection=connection)
    # ok: phi-in-log
    console.print(patient.family)


def holders_in_log(_log, patient, request, self, case):
    # ruleid: phi-holder-in-log
    _log.info("found", code=patient)
    # ruleid: phi-holder-in-log
    _log.info("found", repr(self._request))
    # ruleid: phi-holder-in-log
    _log.info(f"found {patient}")
    # ok: phi-holder-in-log
    _log.info("request", method=request.method)
    # ok: phi-holder-in-log
    _log.info("found", code=patient.id, case=case.id)


def fields_of_log(_log, value, digest, error):
    # ruleid: phi-field-in-log
    _log.info("found", member_id=value)
    # ruleid: phi-field-in-log
    structlog.get_logger().info("found", patient=digest)
    # ruleid: phi-field-in-log
    logging.error("failed", exc_info=error)
    # ok: phi-field-in-log
    _log.info("found", case=value, count=3)


def exceptions(patient, line, kind):
    if kind == 1:
        # ruleid: phi-in-exception
        raise Refused(f"line {line}: {patient.family} is unknown.")
    if kind == 2:
        # ruleid: phi-in-exception
        raise ValueError("no such member: " + member_id)
    if kind == 3:
        # ok: phi-in-exception
        raise Refused(f"line {line}: the patient's family name is missing.")
    if kind == 4:
        # ok: phi-in-exception
        raise Refused("The patient has no birth date: give one.")
    # ok: phi-in-exception
    raise Refused(f"case {patient.id} is closed.")


def events(session, case, patient, gate, actor):
    # ruleid: phi-in-event
    audit.record(session, Event("patient.read", Action.READ, "patient", patient.birth_date))
    # ruleid: phi-in-event
    event = audit.Event("case.open", Action.CREATE, "case", str(case.id), code=patient.email)
    # ruleid: phi-in-event
    event = Event("mail.sent", Action.EXECUTE, "case", str(case.id), request_id=f"to {phone}")
    # ok: phi-in-event
    event = Event("gate.decide", Action.UPDATE, "gate", str(gate.id), actor=actor, case=case.id)
    # ok: phi-in-event
    event = Event("patient.read", Action.READ, "patient", str(patient.id), actor=actor)
