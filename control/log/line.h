/*
 * How a message looks: the line for terminals and the buffer, and the datagram for a server.
 * Pure; line.c knows no clock but the times that it is given.
 *
 * IOS:  000042: Jan  6 14:32:12.454 UTC: %SYS-5-CONFIG_I: Configured from console by console
 * ASA:  Dec 04 2014 12:37:51 BOX : %ASA-5-111008: User 'enable_15' executed the '…' command.
 *
 * A server gets <PRI> (RFC 3164 §4.1.1, RFC 5424 §6.2.1: facility × 8 + severity) and the same
 * line. `logging timestamp rfc5424` of the ASA writes the time as RFC 5424 §6.2.3 has it.
 */
#ifndef TANDEM_CONTROL_LOG_LINE_H
#define TANDEM_CONTROL_LOG_LINE_H

#include "lib/clock.h"
#include "lib/str.h"
#include <stdbool.h>
#include <stdint.h>

enum stamp_kind { STAMP_NONE, STAMP_UPTIME, STAMP_DATETIME, STAMP_ASA, STAMP_RFC5424 };

struct stamp {
    enum stamp_kind kind;
    bool msec, timezone, year; /* of STAMP_DATETIME */
    struct clock_zone zone;    /* in which times are written */
};

/* What a message is, before anybody formats it. */
struct line_head {
    bool asa;
    const char *facility; /* IOS "SYS"; NULL: a line of debugging */
    const char *mnemonic; /* IOS "CONFIG_I" */
    uint32_t number;      /* ASA 111008 */
    unsigned severity;    /* 0 … 7 */
    uint32_t sequence;    /* 0 = not numbered */
    const char *origin;   /* ASA: what stands for the box (device-id); "" = nothing */
    usec_t wall, up;      /* now, and since the start */
};

void line_stamp(struct str *out, const struct stamp *s, usec_t wall, usec_t up);
/* One message, without a newline at its end. */
void line_format(struct str *out, const struct line_head *h, const struct stamp *s,
                 const char *text);
/* The datagram. origin: IOS's origin-id; "" = none. */
void line_packet(struct str *out, unsigned facility, unsigned severity, const char *origin,
                 const char *line);

#endif
