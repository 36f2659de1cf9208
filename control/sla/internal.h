/* What the files of sla/ share. */
#ifndef TANDEM_CONTROL_SLA_INTERNAL_H
#define TANDEM_CONTROL_SLA_INTERNAL_H

#include "control/sla/probe.h"
#include "control/sla/sla.h"
#include <stdlib.h>

/* One request of an operation. */
struct sla_shot {
    usec_t sent;
    bool answered;
};

struct sla_op {
    struct sla *sla;
    struct intent_sla cfg;
    uint16_t slot;
    bool aged; /* out: as if it were not there, until its configuration changes */
    enum sla_life state;
    struct timer tick; /* the schedule: begin, next operation, end */
    struct timer wait; /* the operation under way: next request, or the end of waiting */
    usec_t next;       /* operation */
    usec_t life_end;   /* -1: none */
    usec_t starts;     /* wall clock, where the configuration tells the time; else 0 */
    /* the operation under way */
    bool running, connecting;
    uint16_t seq;   /* of its first request */
    uint32_t shots; /* sent so far */
    int refused;    /* why the next request could not leave, -errno; 0: it could */
    usec_t deadline;
    uint64_t nonce;
    struct sla_shot *shot; /* cfg.packets of them */
    /* what has been measured */
    struct sla_view view;
};

/* A result of the process before. */
struct sla_memory {
    uint32_t number;
    enum sla_code code;
    uint64_t config;
};

struct sla {
    struct sla_host host;
    struct sla_op **by_number;
    size_t n, cap;
    struct sla_op *by_slot[PROBE_SLOTS];
    uint32_t next_slot;
    struct sla_memory *memory; /* until the first configuration */
    size_t n_memory, cap_memory;
    usec_t paced; /* when the last operation was told to begin */
    void (*changed)(void *ctx, uint32_t number);
    void *changed_ctx;
    uint8_t message[PROBE_BYTES];
};

static inline usec_t sla_now(const struct sla *s)
{
    return clock_mono(s->host.clock);
}

static inline void sla_tell(const struct sla_op *op)
{
    if (op->sla->changed)
        op->sla->changed(op->sla->changed_ctx, op->cfg.number);
}

/* The latest result, kept for a successor. */
void sla_set_code(struct sla_op *op, enum sla_code code);

/* run.c */
void sla_run_init(struct sla_op *op);
/* One operation begins; the one before has ended. */
void sla_run(struct sla_op *op);
/* What is under way ends without a result. */
void sla_run_abort(struct sla_op *op);
__attribute__((format(printf, 3, 4))) void sla_say(const struct sla_op *op, enum sla_trace what,
                                                   const char *fmt, ...);

/* schedule.c */
/* Waits for its time, from now on. */
void sla_schedule(struct sla_op *op);
/* When an operation that begins at a time of day begins, after `wall`. */
usec_t sla_start_time(const struct intent_sla *cfg, usec_t wall);

#endif
