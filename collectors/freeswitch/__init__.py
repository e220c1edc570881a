"""FreeSWITCH's mod_callcenter, watched through the event socket (ESL)."""
