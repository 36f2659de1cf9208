/*
 * ICMP echo on the wire (RFC 792, RFC 4443 §4): requests that the box sends, and what comes back.
 * Pure: bytes in, bytes out. Its users are ping and the probes of SLA.
 */
#ifndef TANDEM_CONTROL_ECHO_H
#define TANDEM_CONTROL_ECHO_H

#include "lib/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECHO_HEADER 8

/* Puts the header of a request before the n bytes of payload that stand at out + ECHO_HEADER, and
 * returns the length of the message. The checksum of ICMPv6 is the kernel's (RFC 3542 §3.1). */
size_t echo_write(uint8_t *out, uint8_t family, uint16_t id, uint16_t seq, size_t n);

struct echo_answer {
    bool error;             /* of ICMP, about a request; else a reply */
    uint16_t id, seq;       /* the request's */
    struct addr from;       /* IPv4: of the packet; else unset */
    struct addr about;      /* error: where the request went to */
    uint8_t type, code;     /* error */
    const uint8_t *payload; /* reply: points into what was read */
    size_t len;
};

/* IPv4 with its header; ICMPv6 as the kernel gives it, without, its sum checked. false: neither a
 * reply nor an error about a request. */
bool echo_read4(const uint8_t *ip, size_t len, struct echo_answer *a);
bool echo_read6(const uint8_t *icmp, size_t len, struct echo_answer *a);

#endif
