/*
 * For a successor of this engine: what each group is, and the hello that it sends, in the journal.
 * A successor sends these hellos from its first instant on, long before it has read its
 * configuration, and its groups then go on in the state that they had. Others notice nothing,
 * unless no engine lives for a hold time.
 */
#include "control/hsrp/host_priv.h"
#include <string.h>

/* One for each group: its interface's number is not the same in a successor, but its key is only
 * what tells records apart. */
static uint64_t key_of(const struct hsrp_group *g)
{
    uint64_t k = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *s = g->link.name; *s; s++)
        k = (k ^ (uint8_t)*s) * 0x100000001b3u;
    return k << 16 | g->cfg.number;
}

void hsrp_keep(void *ctx, const struct hsrp_group *g)
{
    struct hsrp *h = (struct hsrp *)ctx;
    const struct hsrp_member *m = hsrp_member_of(g);
    struct hsrp_saved s;
    if (!h->c->journal || !g->cfg.version)
        return;
    if (g->state == HSRP_INIT) {
        journal_remove(h->c->journal, JOURNAL_HSRP, key_of(g));
        return;
    }
    hsrp_group_save(g, &s);
    s.ifindex = m->ifindex;
    s.every = m->hello.every;
    s.epoch = m->hello.every ? g->host->next_hello(h, g) : 0;
    s.n = (uint16_t)m->hello.n;
    memcpy(s.frame, m->hello.frame, sizeof(s.frame));
    uint64_t held;
    if (journal_put(h->c->journal, JOURNAL_HSRP, key_of(g), &s, sizeof(s)) < 0 &&
        log_limit_pass(&h->c->unsaved, clock_mono(&h->c->o.clock), USEC_PER_SEC, &held))
        log_line(h->c->o.log, LOGL_ERROR, "hsrp",
                 "the journal takes no more: a crash of this engine will be noticed");
}

static bool sound(const struct hsrp_saved *s, size_t n)
{
    return n == sizeof(*s) && s->version == HSRP_SAVED && s->n <= sizeof(s->frame) &&
           memchr(s->ifname, 0, sizeof(s->ifname)) && s->every >= 0 && s->state < HSRP_STATES;
}

/* In step with those that were sent; one that was missed meanwhile is made up for. */
static usec_t next_in_step(const struct hsrp *h, const struct hsrp_saved *s)
{
    usec_t late = clock_mono(&h->c->o.clock) - s->epoch;
    return late > 0 ? s->epoch + late / s->every * s->every : s->epoch;
}

static void send_on(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct hsrp *h = (struct hsrp *)ctx;
    struct hsrp_saved s;
    (void)key;
    memcpy(&s, p, n < sizeof(s) ? n : sizeof(s));
    if (!sound(&s, n) || !s.every || !s.n || h->n == PACER_ROWS)
        return;
    struct pacer_row r = {.ifindex = s.ifindex,
                          .every = s.every,
                          .next = next_in_step(h, &s),
                          .n = s.n};
    memcpy(r.frame, s.frame, s.n);
    pacer_set(h->pacer, h->n++, &r);
}

void hsrp_continue(struct hsrp *h)
{
    if (h->c->journal && !h->booted && !h->n)
        journal_each(h->c->journal, JOURNAL_HSRP, send_on, h);
}

struct search {
    const char *ifname;
    uint16_t number;
    struct hsrp_saved *out;
    bool found;
};

static void match(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct search *s = (struct search *)ctx;
    struct hsrp_saved v;
    (void)key;
    memcpy(&v, p, n < sizeof(v) ? n : sizeof(v));
    if (!sound(&v, n) || v.number != s->number || strcmp(v.ifname, s->ifname) != 0)
        return;
    *s->out = v;
    s->found = true;
}

bool hsrp_kept(struct hsrp *h, const struct hsrp_cfg *cfg, const struct hsrp_link *link,
               struct hsrp_saved *out)
{
    struct search s = {.ifname = link->name, .number = cfg->number, .out = out};
    if (h->c->journal)
        journal_each(h->c->journal, JOURNAL_HSRP, match, &s);
    if (s.found && out->every && out->epoch <= clock_mono(&h->c->o.clock))
        out->epoch = next_in_step(h, out) + out->every; /* that one is out: hsrp_continue() */
    return s.found;
}

static void remove_one(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    (void)p;
    (void)n;
    journal_remove(((struct hsrp *)ctx)->c->journal, JOURNAL_HSRP, key);
}

void hsrp_kept_end(struct hsrp *h)
{
    static const struct pacer_row none;
    for (unsigned i = 0; i < h->n; i++)
        if (!h->member[i])
            pacer_set(h->pacer, i, &none);
    if (!h->c->journal)
        return;
    journal_each(h->c->journal, JOURNAL_HSRP, remove_one, h);
    for (unsigned i = 0; i < h->n; i++)
        if (h->member[i])
            hsrp_keep(h, &h->member[i]->g);
}
