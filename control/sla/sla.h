/*
 * Service level probes: measurements of a path that run again and again, and whose result others
 * follow (track objects).
 *
 * A room without I/O: packets leave by what the host gives and come in by sla_icmp4() and its
 * siblings, time is the host's timer queue and clock. An operation costs two timers and no socket
 * (tcp-connect, and udp-echo from a port of its own: one while it waits).
 */
#ifndef TANDEM_CONTROL_SLA_SLA_H
#define TANDEM_CONTROL_SLA_SLA_H

#include "control/intent.h"
#include "lib/clock.h"
#include "lib/timer.h"

/* Result of the latest operation; IOS calls it the return code. */
enum sla_code {
    SLA_NONE, /* never ran */
    SLA_OK,
    SLA_OVER_THRESHOLD, /* answered, and slower than the threshold */
    SLA_TIMEOUT,
    SLA_NO_CONNECTION, /* refused, or there is no way to the target */
    SLA_VERIFY_ERROR,  /* answered with another payload */
    SLA_ERROR,         /* could not be tried */
};

enum sla_trace { SLA_TRACE_ERROR, SLA_TRACE_STEP, SLA_TRACES };

struct sla_host {
    struct timerq *timers;
    const struct clock *clock;
    /* Sends what a probe says: one ICMP message, or the payload of a UDP datagram. key: of
     * connect(), 0 where the probe has no socket of its own. 0 or -errno. */
    int (*send)(void *ctx, const struct intent_sla *op, uint32_t key, const uint8_t *msg,
                size_t len);
    /* Opens a socket of the probe's own and connects it; sla_connected() brings the outcome, not
     * before this returns. 0 or -errno. */
    int (*connect)(void *ctx, const struct intent_sla *op, uint32_t key);
    void (*disconnect)(void *ctx, uint32_t key); /* whether it is connected or not yet */
    uint64_t (*random)(void *ctx);               /* that nobody can guess */
    /* For a successor of this process: the result of an operation is another one (SLA_NONE: it has
     * none any more). config tells configurations apart. May be NULL. */
    void (*save)(void *ctx, uint32_t number, enum sla_code code, uint64_t config);
    /* Text of `debug`, without a newline. Asked first whether anybody listens. */
    bool (*traced)(void *ctx, enum sla_trace what, uint32_t number);
    void (*trace)(void *ctx, enum sla_trace what, const struct intent_sla *op, const char *text);
    void *ctx;
};

struct sla;

struct sla *sla_new(const struct sla_host *host); /* NULL: out of memory */
void sla_free(struct sla *s);
/* What save() brought in the process before, told before the first sla_apply(): an operation of the
 * same configuration has that result until it has one of its own. */
void sla_remember(struct sla *s, uint32_t number, enum sla_code code, uint64_t config);
/* Makes the intent's operations those that run; unchanged ones go on. */
void sla_apply(struct sla *s, const struct intent *i);
/* Runs this operation now, besides its schedule, unless it is running or pending. */
void sla_hurry(struct sla *s, uint32_t number);
/* The latest result. false: there is no such operation (any more). */
bool sla_state(const struct sla *s, uint32_t number, enum sla_code *code);
/* changed() is called after each finished operation whose code is another than before, and when
 * an operation comes, begins anew, or goes. It may call sla_state(). One listener. */
void sla_listen(struct sla *s, void (*changed)(void *ctx, uint32_t number), void *ctx);

/* What arrived. ip: the whole IPv4 packet; icmp: an ICMPv6 message (its checksum is the kernel's).
 */
void sla_icmp4(struct sla *s, const uint8_t *ip, size_t len);
void sla_icmp6(struct sla *s, const struct addr *from, const uint8_t *icmp, size_t len);
void sla_udp(struct sla *s, const struct addr *from, uint16_t port, const uint8_t *p, size_t len);
/* The socket of host->connect() is connected (0) or not (-errno). */
void sla_connected(struct sla *s, uint32_t key, int err);

/* One operation, for the shows. */
enum sla_life { SLA_PENDING, SLA_ACTIVE, SLA_INACTIVE };
struct sla_view {
    const struct intent_sla *cfg;
    enum sla_life state;
    enum sla_code code;
    bool lost, timed_out, over;     /* what the latest operation met */
    uint32_t octets;                /* of memory */
    usec_t modified, started;       /* wall clock; of the latest operation, 0: none yet */
    usec_t reset;                   /* by sla_restart(); 0: never */
    usec_t starts;                  /* pending: when (wall clock), 0: not known */
    int64_t life_left;              /* seconds; -1: for ever */
    uint64_t attempted, skipped;    /* skipped: the one before was still waiting */
    uint64_t successes, failures;   /* of finished ones */
    uint64_t late, forged;          /* answers that came too late, that were nobody's */
    uint32_t rtts;                  /* answers of the latest operation, in milliseconds: */
    uint32_t rtt, rtt_min, rtt_max; /* rtt: the average */
    uint64_t rtt_sum, rtt_sum2;
};
bool sla_view(const struct sla *s, uint32_t number, struct sla_view *v);
/* All of them, by number. */
void sla_each(const struct sla *s, bool (*fn)(void *ctx, const struct sla_view *v), void *ctx);
/* Everything begins anew: counters too. number 0: all of them. false: no such one. */
bool sla_restart(struct sla *s, uint32_t number);

#endif
