/* From the tree to the intent: measurements (control/sla/sla.h). */
#include "lib/str.h"
#include "modes/derive.h"

#define ECHO_SIZE    28u
#define ECHO_PATTERN 0xABCDABCDu
#define LIFE         3600u

/* What holds for one of which only the number is said. */
static struct intent_sla defaults(uint64_t number)
{
    return (struct intent_sla){.number = (uint32_t)number,
                               .packets = 1,
                               .frequency = 60,
                               .timeout = 5000,
                               .threshold = 5000,
                               .size = ECHO_SIZE,
                               .pattern = ECHO_PATTERN,
                               .life = LIFE};
}

static void schedule(const struct derive *d, struct intent_sla *s, const struct a_sla_schedule *a)
{
    s->zone = derive_zone(d->tree->root);
    s->scheduled = true;
    s->life = a->forever ? SLA_FOREVER : a->has_life ? (uint32_t)a->life : LIFE;
    s->ageout = a->has_ageout ? (uint32_t)a->ageout : 0;
    s->recurring = a->recurring;
    if (a->now) {
        s->start = SLA_START_NOW;
    } else if (a->has_after) {
        s->start = SLA_START_AFTER;
        s->start_time = (uint32_t)a->after;
    } else if (a->has_start) {
        s->start = SLA_START_AT;
        s->start_time = (uint32_t)a->start;
    }
}

/* The one number of a leaf, where it stands. */
#define NUMBER(of, entry, type, to)                                                                \
    do {                                                                                           \
        const struct cfg_node *leaf_ = cfg_first(of, entry);                                       \
        if (leaf_)                                                                                 \
            (to) = (uint32_t)CFG_ARGS(leaf_, type)->n;                                             \
    } while (0)

static void asa_monitor(struct derive *d, const struct cfg_node *n)
{
    const struct cfg_node *echo = cfg_first(n, E_SLA_TYPE);
    const struct cfg_node *when = cfg_first(n, E_SLA_SCHEDULE);
    if (!echo)
        return;
    const struct a_sla_type *a = CFG_ARGS(echo, sla_type);
    const struct intent_if *f = derive_find_if(d, a->nameif);
    struct intent_sla *s = &d->out->sla[d->out->n_sla++];
    *s = defaults(CFG_ARGS(n, sla_monitor)->id);
    s->target = a->target;
    s->bound = true;
    str_copy(s->ifname, sizeof s->ifname, f ? f->name : "");
    NUMBER(echo, E_SLA_PACKETS, sla_packets, s->packets);
    NUMBER(echo, E_SLA_SIZE, sla_size, s->size);
    NUMBER(echo, E_SLA_THRESHOLD, sla_threshold, s->threshold);
    NUMBER(echo, E_SLA_TIMEOUT, sla_timeout, s->timeout);
    NUMBER(echo, E_SLA_FREQUENCY, sla_frequency, s->frequency);
    const struct cfg_node *tos = cfg_first(echo, E_SLA_TOS);
    s->tos = tos ? (uint8_t)CFG_ARGS(tos, sla_tos)->n : 0;
    if (when)
        schedule(d, s, CFG_ARGS(when, sla_schedule));
}

void derive_sla(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->sla = arena_array(&out->arena, struct intent_sla, cfg_count(root, E_SLA_MONITOR));
    if (!out->sla)
        return;
    cfg_each(root, E_SLA_MONITOR, n) asa_monitor(d, n);
}
