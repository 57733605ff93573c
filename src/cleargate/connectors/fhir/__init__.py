"""An EHR or practice-management system that speaks FHIR R4 with SMART Backend Services."""
