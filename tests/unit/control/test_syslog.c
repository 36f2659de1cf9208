/* Messages of the box: their looks in both dialects, who gets them, the buffer. */
#include "control/log/syslog.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define WALL INT64_C(1767709932454000) /* Tue Jan 6 2026 14:32:12.454 */

static void stamp_is(const struct stamp *s, usec_t up, const char *want)
{
    struct str out = {0};
    line_stamp(&out, s, WALL, up);
    assert_string_equal(str_text(&out), want);
    str_free(&out);
}

static void stamps(void **state)
{
    const struct stamp none = {0}, up = {.kind = STAMP_UPTIME}, asa = {.kind = STAMP_ASA};
    const struct stamp iso = {.kind = STAMP_RFC5424}, plain = {.kind = STAMP_DATETIME};
    const struct stamp all = {.kind = STAMP_DATETIME, .msec = true, .timezone = true, .year = true};
    const struct stamp est = {.kind = STAMP_DATETIME,
                              .msec = true,
                              .timezone = true,
                              .zone = {.name = "EST", .minutes = -300}};
    const struct stamp msec = {.kind = STAMP_DATETIME, .msec = true};
    (void)state;
    stamp_is(&none, 0, "");
    stamp_is(&plain, 0, "Jan  6 14:32:12");
    stamp_is(&msec, 0, "Jan  6 14:32:12.454");
    stamp_is(&all, 0, "Jan  6 2026 14:32:12.454 UTC");
    stamp_is(&est, 0, "Jan  6 09:32:12.454 EST");
    stamp_is(&asa, 0, "Jan 06 2026 14:32:12");
    stamp_is(&iso, 0, "2026-01-06T14:32:12Z");
    stamp_is(&up, 46 * USEC_PER_SEC, "00:00:46");
    stamp_is(&up, (86400 + 2 * 3600) * USEC_PER_SEC, "1d02h");
    stamp_is(&up, (9 * 86400) * USEC_PER_SEC, "1w2d");
    stamp_is(&up, (366 * 86400) * USEC_PER_SEC, "1y0w");
    stamp_is(&up, -5, "00:00:00");
}

static void line_is(const struct line_head *h, enum stamp_kind kind, const char *want)
{
    struct str out = {0};
    const struct stamp s = {.kind = kind, .msec = true, .timezone = true};
    line_format(&out, h, &s, "text");
    assert_string_equal(str_text(&out), want);
    str_free(&out);
}

static void lines(void **state)
{
    struct line_head ios = {.facility = "SYS", .mnemonic = "CONFIG_I", .severity = 5, .wall = WALL};
    struct line_head asa = {.asa = true, .number = 111008, .severity = 5, .wall = WALL};
    struct line_head debug = {.severity = 7, .sequence = 40672, .wall = WALL};
    struct str out = {0};
    (void)state;
    line_is(&ios, STAMP_NONE, "%SYS-5-CONFIG_I: text");
    ios.sequence = 12;
    line_is(&ios, STAMP_NONE, "000012: %SYS-5-CONFIG_I: text");
    line_is(&ios, STAMP_DATETIME, "000012: Jan  6 14:32:12.454 UTC: %SYS-5-CONFIG_I: text");
    line_is(&debug, STAMP_DATETIME, "040672: Jan  6 14:32:12.454 UTC: text");
    line_is(&asa, STAMP_NONE, "%ASA-5-111008: text");
    line_is(&asa, STAMP_ASA, "Jan 06 2026 14:32:12: %ASA-5-111008: text");
    asa.origin = "MDF-ASA";
    line_is(&asa, STAMP_ASA, "Jan 06 2026 14:32:12 MDF-ASA : %ASA-5-111008: text");
    line_is(&asa, STAMP_NONE, "MDF-ASA : %ASA-5-111008: text");
    line_packet(&out, 23, 5, "", "line"); /* RFC 3164 §4.1.1: 23 * 8 + 5 */
    assert_string_equal(str_text(&out), "<189>line");
    str_clear(&out);
    line_packet(&out, 20, 5, "R1", "line");
    assert_string_equal(str_text(&out), "<165>R1: line");
    str_free(&out);
}

/* --- who gets what ---------------------------------------------------------------------------- */

struct box {
    struct manual_time t;
    struct clock clock;
    struct syslog *s;
    struct syslog_cfg cfg;
    struct str terminal, sent, buffer;
    unsigned console, monitor;
    bool unreachable;
};

static void on_terminal(void *ctx, bool console, bool monitor, const char *line)
{
    struct box *b = (struct box *)ctx;
    b->console += console;
    b->monitor += monitor;
    str_printf(&b->terminal, "%s\n", line);
}

static int on_send(void *ctx, const struct syslog_host *to, const char *packet, size_t len)
{
    struct box *b = (struct box *)ctx;
    if (b->unreachable) {
        /* trouble with a server is not told to the servers */
        syslog_ios(b->s, "SYS", 3, "AGAIN", "this must not come");
        return -1;
    }
    str_printf(&b->sent, "%u %.*s\n", to->port, (int)len, packet);
    return 0;
}

static void open_box(struct box *b, bool asa)
{
    const struct syslog_out out = {on_terminal, on_send, b};
    memset(b, 0, sizeof(*b));
    b->t.wall_us = WALL;
    b->clock = clock_manual(&b->t);
    b->s = syslog_new(&b->clock, &out);
    assert_non_null(b->s);
    b->cfg = (struct syslog_cfg){.asa = asa, .on = true, .size = 4096, .facility = 23};
    for (unsigned i = 0; i < SYSLOG_SINKS; i++) {
        b->cfg.sink[i].on = true;
        b->cfg.sink[i].level = 7;
    }
}

static void close_box(struct box *b)
{
    syslog_free(b->s);
    str_free(&b->terminal);
    str_free(&b->sent);
    str_free(&b->buffer);
}

static void add_line(void *ctx, const char *line)
{
    str_printf(&((struct box *)ctx)->buffer, "%s\n", line);
}

static const char *buffer(struct box *b)
{
    str_clear(&b->buffer);
    syslog_each(b->s, add_line, b);
    return str_text(&b->buffer);
}

static void by_level(void **state)
{
    struct box b;
    (void)state;
    open_box(&b, false);
    syslog_ios(b.s, "SYS", 0, "EARLY", "before the configuration");
    b.cfg.sink[SYSLOG_CONSOLE].level = 4;
    b.cfg.sink[SYSLOG_MONITOR].on = false;
    b.cfg.sink[SYSLOG_TRAP].level = 3;
    syslog_configure(b.s, &b.cfg);
    syslog_ios(b.s, "SYS", 5, "FIVE", "a %d", 1);
    syslog_ios(b.s, "SYS", 4, "FOUR", "b\tc\x7f");
    syslog_asa(b.s, 0, 111008, "of the other dialect");
    assert_string_equal(buffer(&b), "%SYS-5-FIVE: a 1\n%SYS-4-FOUR: b c \n");
    assert_string_equal(str_text(&b.terminal), "%SYS-4-FOUR: b c \n");
    assert_int_equal(b.console, 1);
    assert_int_equal(b.monitor, 0);
    assert_int_equal(syslog_count(b.s, SYSLOG_BUFFER), 2);
    assert_int_equal(syslog_count(b.s, SYSLOG_CONSOLE), 1);
    b.cfg.on = false; /* the console alone */
    syslog_configure(b.s, &b.cfg);
    syslog_ios(b.s, "SYS", 3, "THREE", "d");
    assert_int_equal(b.console, 2);
    assert_null(strstr(buffer(&b), "THREE"));
    close_box(&b);
}

static void servers(void **state)
{
    struct box b;
    uint64_t dropped;
    (void)state;
    open_box(&b, false);
    b.cfg.sink[SYSLOG_CONSOLE].on = b.cfg.sink[SYSLOG_MONITOR].on = false;
    b.cfg.n_host = 2;
    b.cfg.host[0] = (struct syslog_host){.addr = addr_from_v4(0x0a000001), .port = 514};
    b.cfg.host[1] = (struct syslog_host){.addr = addr_from_v4(0x0a000002), .port = 1514};
    syslog_configure(b.s, &b.cfg);
    assert_string_equal(
        str_text(&b.sent),
        "514 <190>%SYS-6-LOGGINGHOST_STARTSTOP: Logging to host 10.0.0.1 port 514 started - CLI "
        "initiated\n"
        "1514 <190>%SYS-6-LOGGINGHOST_STARTSTOP: Logging to host 10.0.0.1 port 514 started - CLI "
        "initiated\n"
        "514 <190>%SYS-6-LOGGINGHOST_STARTSTOP: Logging to host 10.0.0.2 port 1514 started - CLI "
        "initiated\n"
        "1514 <190>%SYS-6-LOGGINGHOST_STARTSTOP: Logging to host 10.0.0.2 port 1514 started - CLI "
        "initiated\n");
    str_clear(&b.sent);
    syslog_configure(b.s, &b.cfg); /* nothing is new */
    assert_int_equal(b.sent.len, 0);
    b.unreachable = true;
    syslog_ios(b.s, "SYS", 1, "LOST", "x");
    assert_int_equal(syslog_host_count(b.s, 1, &dropped), 2);
    assert_int_equal(dropped, 1);
    assert_null(strstr(buffer(&b), "AGAIN"));
    b.unreachable = false;
    b.cfg.n_host = 1;
    b.cfg.host[0] = b.cfg.host[1]; /* its counts go along */
    syslog_configure(b.s, &b.cfg);
    assert_non_null(strstr(str_text(&b.sent), "10.0.0.1 port 514 stopped"));
    assert_int_equal(syslog_host_count(b.s, 0, &dropped), 3);
    assert_int_equal(dropped, 1);
    close_box(&b);
}

/* Whole messages, the newest; a smaller buffer forgets at once. */
static void the_buffer_wraps(void **state)
{
    struct box b;
    (void)state;
    open_box(&b, false);
    b.cfg.size = 64;
    syslog_configure(b.s, &b.cfg);
    for (unsigned i = 0; i < 10; i++)
        syslog_ios(b.s, "SYS", 6, "N", "number %u", i); /* 19 bytes each, with the newline */
    assert_string_equal(buffer(&b), "%SYS-6-N: number 7\n%SYS-6-N: number 8\n%SYS-6-N: number 9\n");
    b.cfg.size = 20;
    syslog_configure(b.s, &b.cfg);
    assert_string_equal(buffer(&b), "%SYS-6-N: number 9\n");
    syslog_clear(b.s);
    assert_string_equal(buffer(&b), "");
    close_box(&b);
}

static void asa_levels(void **state)
{
    struct box b;
    (void)state;
    open_box(&b, true);
    b.cfg.sink[SYSLOG_BUFFER].level = 4;
    b.cfg.n_level = 1;
    b.cfg.level[0].number = 111008;
    b.cfg.level[0].level = 3;
    syslog_configure(b.s, &b.cfg);
    syslog_asa(b.s, 5, 111008, "raised");
    syslog_asa(b.s, 5, 111010, "as it was");
    assert_string_equal(buffer(&b), "%ASA-3-111008: raised\n");
    b.cfg.on = false;
    syslog_configure(b.s, &b.cfg);
    b.console = 0;
    syslog_asa(b.s, 1, 111008, "off is off");
    assert_int_equal(b.console, 0);
    close_box(&b);
}

static void debugging(void **state)
{
    struct box b;
    struct str shown = {0};
    (void)state;
    open_box(&b, false);
    b.cfg.sequence = true;
    b.cfg.debug.kind = STAMP_UPTIME;
    syslog_configure(b.s, &b.cfg);
    syslog_ios(b.s, "SYS", 6, "N", "first");
    b.t.mono_us += 61 * USEC_PER_SEC;
    syslog_debug(b.s, "ISAKMP: (0):SA", &shown);
    assert_string_equal(str_text(&shown), "000002: 00:01:01: ISAKMP: (0):SA");
    assert_string_equal(buffer(&b), "000001: %SYS-6-N: first\n000002: 00:01:01: ISAKMP: (0):SA\n");
    assert_int_equal(b.console, 1); /* the sessions that debug are not its business */
    str_clear(&shown);
    syslog_debug(b.s, "    goes on", &shown);
    assert_string_equal(str_text(&shown), "    goes on");
    str_free(&shown);
    close_box(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps),           cmocka_unit_test(lines),
        cmocka_unit_test(by_level),         cmocka_unit_test(servers),
        cmocka_unit_test(the_buffer_wraps), cmocka_unit_test(asa_levels),
        cmocka_unit_test(debugging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
