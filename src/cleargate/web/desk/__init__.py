"""The desk's pages: what needs a person, one case, a request by phone."""
