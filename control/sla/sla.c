/* The operations there are. See sla.h. */
#include "control/sla/internal.h"
#include "lib/vec.h"
#include <string.h>

/* --- life
 * ------------------------------------------------------------------------------------------
 */

struct sla *sla_new(const struct sla_host *host)
{
    struct sla *s = (struct sla *)calloc(1, sizeof(*s));
    if (s)
        s->host = *host;
    return s;
}

/* It stops; its memory stays. */
static void halt(struct sla_op *op)
{
    timer_cancel(op->sla->host.timers, &op->tick);
    sla_run_abort(op);
}

static void drop(struct sla_op *op)
{
    halt(op);
    sla_set_code(op, SLA_NONE);
    op->sla->by_slot[op->slot] = NULL;
    free(op->shot);
    free(op);
}

void sla_free(struct sla *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        drop(s->by_number[i]);
    free(s->by_number);
    free(s->memory);
    free(s);
}

void sla_listen(struct sla *s, void (*changed)(void *ctx, uint32_t number), void *ctx)
{
    s->changed = changed;
    s->changed_ctx = ctx;
}

/* --- what is wanted
 * --------------------------------------------------------------------------------
 */

static bool same_schedule(const struct intent_sla *a, const struct intent_sla *b)
{
    return a->scheduled == b->scheduled && a->start == b->start && a->start_time == b->start_time &&
           a->start_month == b->start_month && a->start_day == b->start_day && a->life == b->life &&
           a->ageout == b->ageout && a->recurring == b->recurring &&
           (a->start != SLA_START_AT || a->zone.minutes == b->zone.minutes);
}

static bool same(const struct intent_sla *a, const struct intent_sla *b)
{
    return a->type == b->type && addr_eq(&a->target, &b->target) &&
           addr_eq(&a->source, &b->source) && strcmp(a->ifname, b->ifname) == 0 &&
           a->bound == b->bound && a->verify == b->verify && a->tos == b->tos &&
           a->port == b->port && a->source_port == b->source_port && a->packets == b->packets &&
           a->frequency == b->frequency && a->timeout == b->timeout &&
           a->threshold == b->threshold && a->size == b->size && a->pattern == b->pattern &&
           same_schedule(a, b);
}

/* FNV-1a, a number at a time. */
static uint64_t mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * UINT64_C(0x100000001b3);
}

static uint64_t mix_address(uint64_t h, const struct addr *a)
{
    h = mix(h, a->family);
    for (unsigned i = 0; i < addr_size(a); i++)
        h = mix(h, a->b[i]);
    return h;
}

/* Of all that same() looks at but the schedule. */
static uint64_t digest(const struct intent_sla *c)
{
    uint64_t h = mix(UINT64_C(0xcbf29ce484222325), (uint64_t)c->type);
    h = mix_address(mix_address(h, &c->target), &c->source);
    for (const char *p = c->ifname; *p; p++)
        h = mix(h, (unsigned char)*p);
    h = mix(mix(mix(h, c->bound), c->verify), c->tos);
    h = mix(mix(mix(h, c->port), c->source_port), c->packets);
    h = mix(mix(mix(h, c->frequency), c->timeout), c->threshold);
    return mix(mix(h, c->size), c->pattern);
}

void sla_set_code(struct sla_op *op, enum sla_code code)
{
    const struct sla_host *h = &op->sla->host;
    if (code != op->view.code && h->save)
        h->save(h->ctx, op->cfg.number, code, digest(&op->cfg));
    op->view.code = code;
    op->view.over = code == SLA_OVER_THRESHOLD;
    op->view.timed_out = code == SLA_TIMEOUT;
    op->view.lost = code == SLA_NO_CONNECTION;
}

void sla_remember(struct sla *s, uint32_t number, enum sla_code code, uint64_t config)
{
    if (VEC_ROOM(s->memory, s->cap_memory, s->n_memory + 1))
        s->memory[s->n_memory++] =
            (struct sla_memory){.number = number, .code = code, .config = config};
}

static int by_number(const void *x, const void *y)
{
    const struct sla_memory *a = (const struct sla_memory *)x, *b = (const struct sla_memory *)y;
    return (a->number > b->number) - (a->number < b->number);
}

/* Those whose operation is not what it was are forgotten. */
static void recall(struct sla *s)
{
    if (s->n_memory)
        qsort(s->memory, s->n_memory, sizeof(*s->memory), by_number);
    for (size_t i = 0, at = 0; i < s->n_memory; i++) {
        const struct sla_memory *m = &s->memory[i];
        while (at < s->n && s->by_number[at]->cfg.number < m->number)
            at++;
        struct sla_op *op =
            at < s->n && s->by_number[at]->cfg.number == m->number ? s->by_number[at] : NULL;
        if (op && digest(&op->cfg) == m->config)
            sla_set_code(op, m->code);
        else if (s->host.save)
            s->host.save(s->host.ctx, m->number, SLA_NONE, m->config);
    }
    free(s->memory);
    s->memory = NULL;
    s->n_memory = s->cap_memory = 0;
}

/* From the beginning, with this configuration. */
static void begin(struct sla_op *op, const struct intent_sla *cfg)
{
    sla_set_code(op, SLA_NONE);
    op->cfg = *cfg;
    op->aged = false;
    op->view = (struct sla_view){.modified = clock_wall(op->sla->host.clock)};
    op->life_end = -1;
    sla_schedule(op);
}

/* A free number of a packet's; the last one given back is the last to be used again, so that its
 * late answers meet nobody. */
static bool take_slot(struct sla *s, struct sla_op *op)
{
    for (uint32_t i = 0; i < PROBE_SLOTS; i++) {
        uint32_t slot = (s->next_slot + i) % PROBE_SLOTS;
        if (s->by_slot[slot])
            continue;
        s->next_slot = slot + 1;
        s->by_slot[slot] = op;
        op->slot = (uint16_t)slot;
        return true;
    }
    return false;
}

static struct sla_op *create(struct sla *s, const struct intent_sla *cfg)
{
    struct sla_op *op = (struct sla_op *)calloc(1, sizeof(*op));
    if (!op)
        return NULL;
    op->sla = s;
    op->shot = (struct sla_shot *)calloc(cfg->packets ? cfg->packets : 1, sizeof(*op->shot));
    if (!op->shot || !take_slot(s, op)) {
        free(op->shot);
        free(op);
        return NULL;
    }
    sla_run_init(op);
    begin(op, cfg);
    return op;
}

/* One whose configuration is another now. NULL: it could not be made. */
static struct sla_op *remake(struct sla_op *op, const struct intent_sla *cfg)
{
    struct sla *s = op->sla;
    drop(op);
    return create(s, cfg);
}

void sla_apply(struct sla *s, const struct intent *intent)
{
    struct sla_op **now = (struct sla_op **)calloc(intent->n_sla ? intent->n_sla : 1, sizeof(*now));
    uint32_t *news =
        (uint32_t *)calloc(s->n + intent->n_sla ? s->n + intent->n_sla : 1, sizeof(*news));
    size_t n = 0, n_news = 0, old = 0;
    if (!now || !news) {
        free(now);
        free(news);
        return; /* what runs goes on */
    }
    for (uint32_t i = 0; i <= intent->n_sla; i++) {
        const struct intent_sla *cfg = i < intent->n_sla ? &intent->sla[i] : NULL;
        while (old < s->n && (!cfg || s->by_number[old]->cfg.number < cfg->number)) {
            news[n_news++] = s->by_number[old]->cfg.number;
            drop(s->by_number[old++]);
        }
        if (!cfg)
            break;
        struct sla_op *op =
            old < s->n && s->by_number[old]->cfg.number == cfg->number ? s->by_number[old++] : NULL;
        if (!op || !same(&op->cfg, cfg)) {
            op = op ? remake(op, cfg) : create(s, cfg);
            news[n_news++] = cfg->number;
        }
        if (op)
            now[n++] = op;
    }
    free(s->by_number);
    s->by_number = now;
    s->n = n;
    recall(s);
    for (size_t i = 0; s->changed && i < n_news; i++)
        s->changed(s->changed_ctx, news[i]);
    free(news);
}

bool sla_restart(struct sla *s, uint32_t number)
{
    bool any = false;
    for (size_t i = 0; i < s->n; i++) {
        struct sla_op *op = s->by_number[i];
        if (number && op->cfg.number != number)
            continue;
        struct intent_sla cfg = op->cfg;
        any = true;
        halt(op);
        begin(op, &cfg);
        op->view.reset = op->view.modified;
        sla_tell(op);
    }
    return any;
}

/* --- what is known
 * ---------------------------------------------------------------------------------
 */

static const struct sla_op *find(const struct sla *s, uint32_t number)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->by_number[mid]->cfg.number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    const struct sla_op *op = lo < s->n ? s->by_number[lo] : NULL;
    return op && op->cfg.number == number && !op->aged ? op : NULL;
}

void sla_hurry(struct sla *s, uint32_t number)
{
    const struct sla_op *op = find(s, number);
    if (op && op->state == SLA_ACTIVE && !op->running)
        sla_run(s->by_slot[op->slot]);
}

bool sla_state(const struct sla *s, uint32_t number, enum sla_code *code)
{
    const struct sla_op *op = find(s, number);
    if (op)
        *code = op->view.code;
    return op != NULL;
}

static struct sla_view view_of(const struct sla_op *op)
{
    struct sla_view v = op->view;
    usec_t now = sla_now(op->sla);
    v.cfg = &op->cfg;
    v.octets = (uint32_t)(sizeof(*op) + op->cfg.packets * sizeof(*op->shot));
    v.state = op->state;
    v.starts = op->starts;
    if (op->state == SLA_PENDING && op->cfg.start == SLA_START_AFTER)
        v.starts = clock_wall(op->sla->host.clock) + op->tick.when - now;
    v.life_left = op->cfg.life == SLA_FOREVER ? -1 : (int64_t)op->cfg.life;
    if (op->state == SLA_ACTIVE && op->life_end >= 0)
        v.life_left = now < op->life_end ? (op->life_end - now) / USEC_PER_SEC : 0;
    if (op->state == SLA_INACTIVE)
        v.life_left = 0;
    return v;
}

bool sla_view(const struct sla *s, uint32_t number, struct sla_view *v)
{
    const struct sla_op *op = find(s, number);
    if (op)
        *v = view_of(op);
    return op != NULL;
}

void sla_each(const struct sla *s, bool (*fn)(void *ctx, const struct sla_view *v), void *ctx)
{
    for (size_t i = 0; i < s->n; i++) {
        struct sla_view v = view_of(s->by_number[i]);
        if (!s->by_number[i]->aged && !fn(ctx, &v))
            return;
    }
}
