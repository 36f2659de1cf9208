/*
 * The messages of the box (syslog.md): which there are, who gets them, and the buffer in memory.
 *
 * Not to be confused with lib/log.h, the journal of the processes. Nothing here does I/O: lines for
 * terminals and datagrams for servers go out by callbacks. A message has a text per dialect; the
 * call for the other dialect does nothing, so that the two stand side by side where something
 * happens. Never a secret.
 */
#ifndef TANDEM_CONTROL_LOG_SYSLOG_H
#define TANDEM_CONTROL_LOG_SYSLOG_H

#include "control/log/line.h"
#include "lib/addr.h"

#define SYSLOG_HOSTS  16
#define SYSLOG_LEVELS 32   /* messages whose severity is changed (ASA) */
#define SYSLOG_TEXT   1024 /* of one message; RFC 3164 §4.1 allows as much in a packet */
#define SYSLOG_PORT   514

enum syslog_sink { SYSLOG_CONSOLE, SYSLOG_MONITOR, SYSLOG_BUFFER, SYSLOG_TRAP, SYSLOG_SINKS };

struct syslog_host {
    struct addr addr;
    uint16_t port;
    char source[64]; /* interface whose address it is sent from; "" = any */
};

struct syslog_cfg {
    bool asa, on;
    struct {
        bool on;
        uint8_t level;
    } sink[SYSLOG_SINKS];
    uint32_t size; /* bytes of the buffer */
    uint8_t facility;
    bool sequence;
    struct stamp log, debug;
    char origin[64];
    uint8_t n_host, n_level;
    struct syslog_host host[SYSLOG_HOSTS];
    struct {
        uint32_t number;
        uint8_t level;
    } level[SYSLOG_LEVELS];
};

struct syslog_out {
    void (*terminal)(void *ctx, bool console, bool monitor, const char *line);
    /* 0, or -errno: counted as dropped. */
    int (*send)(void *ctx, const struct syslog_host *to, const char *packet, size_t len);
    void *ctx;
};

struct syslog;

/* NULL without memory. Until the first configuration every message is dropped. */
struct syslog *syslog_new(const struct clock *clock, const struct syslog_out *out);
void syslog_free(struct syslog *s);
void syslog_configure(struct syslog *s, const struct syslog_cfg *cfg);
void syslog_set_booted(struct syslog *s, usec_t mono);

/* IOS: the name of a message is a literal, %FACILITY-severity-MNEMONIC. */
void syslog_ios(struct syslog *s, const char *facility, unsigned severity, const char *mnemonic,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void syslog_asa(struct syslog *s, unsigned severity, uint32_t number, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A line of debugging as terminals show it: on IOS behind time and number, and in the buffer and at
 * the servers when their level is debugging. *shown is for the sessions that debug. */
void syslog_debug(struct syslog *s, const char *text, struct str *shown);

/* For the shows. */
const struct syslog_cfg *syslog_config(const struct syslog *s);
uint64_t syslog_count(const struct syslog *s, enum syslog_sink sink);
uint64_t syslog_host_count(const struct syslog *s, unsigned host, uint64_t *dropped);
void syslog_each(const struct syslog *s, void (*fn)(void *ctx, const char *line), void *ctx);
void syslog_clear(struct syslog *s); /* empties the buffer */
const char *syslog_level_name(unsigned level);

#endif
