/*
 * HSRP on the wire: version 1 (RFC 2281 §5) and version 2, as they are sent by UDP from port 1985
 * to port 1985, and ARP for the addresses of a group. Pure: no clock, no key, no I/O.
 *
 * A version 1 message has 20 bytes, behind which an MD5 authentication TLV may follow. A version 2
 * message is a row of TLVs (type, length, value): the group's state, and how it is authenticated.
 */
#ifndef TANDEM_CONTROL_HSRP_CODEC_H
#define TANDEM_CONTROL_HSRP_CODEC_H

#include "lib/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HSRP_PORT    1985
#define HSRP_MESSAGE 96 /* longer than any that we send or understand */
#define HSRP_FRAME   (14 + 20 + 8 + HSRP_MESSAGE)
#define HSRP_TEXT    8  /* bytes of text authentication */
#define HSRP_MD5     16 /* bytes of a digest */
#define HSRP_MAC     6

/* RFC 2281 §5.1; the numbers are those of version 2 and of the state table. */
enum hsrp_state {
    HSRP_DISABLED,
    HSRP_INIT,
    HSRP_LEARN,
    HSRP_LISTEN,
    HSRP_SPEAK,
    HSRP_STANDBY,
    HSRP_ACTIVE,
    HSRP_STATES
};

enum hsrp_op { HSRP_HELLO, HSRP_COUP, HSRP_RESIGN, HSRP_ADVERTISE };

enum hsrp_auth { HSRP_AUTH_NONE, HSRP_AUTH_TEXT, HSRP_AUTH_MD5 };

struct hsrp_message {
    uint8_t version; /* 1 or 2 */
    enum hsrp_op op;
    enum hsrp_state state;
    uint16_t group;
    uint32_t priority;
    uint32_t hello_ms, hold_ms; /* version 1 has whole seconds; 0 = not told */
    struct addr vip;            /* unset: not known to the sender */
    uint8_t mac[HSRP_MAC];      /* of the sender; version 2 only */
    enum hsrp_auth auth;
    uint8_t text[HSRP_TEXT]; /* zero behind its end */
    struct {
        struct addr sender;
        uint32_t key;
        uint8_t digest[HSRP_MD5];
    } md5;
};

/* Why a message is not taken. */
enum hsrp_bad {
    HSRP_GOOD,
    HSRP_BAD_LENGTH,
    HSRP_BAD_VERSION,
    HSRP_BAD_TLV,
    HSRP_BAD_OPCODE,
    HSRP_BAD_STATE,
    HSRP_BAD_GROUP,
    HSRP_BAD_FAMILY,
    /* of no use to a group, however well formed */
    HSRP_BAD_AUTH,
    HSRP_BAD_SOURCE, /* our own address */
    HSRP_NO_GROUP,
    HSRP_BADS
};
const char *hsrp_bad_name(enum hsrp_bad why);

/* Reads what was sent to the group address of this version. */
enum hsrp_bad hsrp_parse(unsigned version, const uint8_t *p, size_t n, struct hsrp_message *out);
/* Writes a message; with MD5 its digest is as m has it. Returns how long it is. */
size_t hsrp_write(const struct hsrp_message *m, uint8_t out[HSRP_MESSAGE]);
/* Where the digest stands in a message with one: its last bytes. */
static inline size_t hsrp_digest_at(size_t message)
{
    return message - HSRP_MD5;
}

/* 224.0.0.2, 224.0.0.102 */
struct addr hsrp_group_address(unsigned version);
/* The virtual MAC address that goes with a group's number. */
void hsrp_virtual_mac(unsigned version, uint16_t group, uint8_t mac[HSRP_MAC]);
unsigned hsrp_groups(unsigned version); /* how many numbers there are */

const char *hsrp_state_name(enum hsrp_state s);

/* --- frames ---------------------------------------------------------------------------------- */

/* An Ethernet frame with an HSRP message. */
struct hsrp_datagram {
    uint8_t mac[HSRP_MAC]; /* its sender's */
    struct addr src;
    unsigned version; /* by the group address that it was sent to */
    const uint8_t *p; /* the message */
    size_t n;
};
/* True when the frame is one. unsummed: it comes from this machine, and its UDP checksum is left to
 * hardware that it never met. */
bool hsrp_unframe(const uint8_t *frame, size_t n, bool unsummed, struct hsrp_datagram *out);
/* Returns the length of the frame. */
size_t hsrp_frame(const uint8_t mac[HSRP_MAC], const struct addr *src, unsigned version,
                  const uint8_t *message, size_t n, uint8_t out[HSRP_FRAME]);

#define ARP_FRAME 42
/* RFC 5227 §3: an announcement that this address is at this MAC address now. */
void arp_announcement(const uint8_t mac[HSRP_MAC], const struct addr *a, uint8_t out[ARP_FRAME]);
/* Who says of himself in an ARP frame that he has which address. False: it says no such thing. */
bool arp_claim(const uint8_t *frame, size_t n, uint8_t mac[HSRP_MAC], struct addr *a);

#endif
