/* Both versions of IKE as one. See keyex.h. */
#include "control/crypto/keyex.h"
#include "control/journal.h"
#include "control/priv.h"
#include <errno.h>
#include <string.h>

int keyex_open(struct control *c)
{
    struct isakmp_host v1 = isakmp_host_of_control();
    c->ike = ike_new(&control_ike_host, c, &c->timers, &c->o.clock);
    c->isakmp = isakmp_new(&v1, c, &c->timers, &c->o.clock);
    return c->ike && c->isakmp ? 0 : -ENOMEM;
}

void keyex_close(struct control *c)
{
    if (c->ike)
        ike_free(c->ike);
    if (c->isakmp)
        isakmp_free(c->isakmp);
    c->ike = NULL;
    c->isakmp = NULL;
}

void keyex_configure(struct control *c)
{
    const struct intent *i = &c->intent;
    if (i->limits.sas) {
        ike_set_limits(c->ike, &i->limits);
        isakmp_set_limits(c->isakmp, &i->limits);
    }
    ike_set_fragment_size(c->ike, i->limits.fragment ? i->limits.fragment : IKE_FRAGMENT_SIZE);
    ike_set_schedule(c->ike, &i->retransmit2);
    isakmp_set_schedule(c->isakmp, &i->retransmit1);
    isakmp_set_end_alone(c->isakmp, c->ports.asa);
}

/* RFC 2408 §3.1 and RFC 7296 §3.1 have the version at the same place, so that either side can
 * tell; what is neither is IKEv2's to refuse. */
static bool of_v1(const uint8_t *msg, size_t len)
{
    return len > 17 && msg[17] >> 4 == 1;
}

void keyex_input(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    if (!endpoint_is_ours(c, &p->local))
        return; /* for the box that has the address now */
    if (of_v1(msg, len))
        isakmp_input(c->isakmp, p, msg, len);
    else
        ike_input(c->ike, p, msg, len);
}

bool keyex_is_first(const uint8_t *msg, size_t len)
{
    return of_v1(msg, len) ? isakmp_is_first(msg, len) : ike_is_first(msg, len);
}

void keyex_overloaded(struct control *c, uint64_t n)
{
    isakmp_overloaded(c->isakmp, n);
    ike_overloaded(c->ike, n);
}

int keyex_initiate(struct control *c, enum ike_version v, const struct ike_path *p,
                   const struct ike_child_cfg *cfg)
{
    return v == IKE_V1 ? isakmp_initiate(c->isakmp, p, cfg) : ike_initiate(c->ike, p, cfg);
}

size_t keyex_clear_version(struct control *c, enum ike_version v, const struct addr *remote,
                           uint32_t ifid)
{
    return v == IKE_V1 ? isakmp_clear(c->isakmp, remote, ifid) : ike_clear(c->ike, remote, ifid);
}

size_t keyex_clear(struct control *c, const struct addr *remote, uint32_t ifid)
{
    return keyex_clear_version(c, IKE_V1, remote, ifid) +
           keyex_clear_version(c, IKE_V2, remote, ifid);
}

size_t keyex_clear_which(struct control *c, unsigned version, const struct ike_which *w,
                         enum ike_clear_how how)
{
    return (version == IKE_V2 ? 0 : isakmp_clear_which(c->isakmp, w, how)) +
           (version == IKE_V1 ? 0 : ike_clear_which(c->ike, w, how));
}

bool keyex_knows(const struct control *c, enum ike_version v, const struct ike_path *p)
{
    return v == IKE_V1 ? control_key(&c->intent, p, NULL) != NULL
                       : control_peer(&c->intent, p, NULL) != NULL;
}

void keyex_interface_changed(struct control *c, uint32_t ifid, const struct addr *local, size_t n)
{
    ike_interface_changed(c->ike, ifid, local, n);
    isakmp_interface_changed(c->isakmp, ifid, local, n);
}

void keyex_expired(struct control *c, uint32_t sa, bool hard)
{
    ike_expired(c->ike, sa, hard);
    isakmp_expired(c->isakmp, sa, hard);
}

void keyex_end_child(struct control *c, uint32_t sa, enum ike_reason why)
{
    ike_end_child(c->ike, sa, why);
    isakmp_end_child(c->isakmp, sa, why);
}

void keyex_invalid_spi(struct control *c, const struct ike_path *p, uint32_t spi)
{
    /* to a peer of both, what an SA of phase 1 says counts */
    if (c->intent.invalid_spi_recovery && keyex_knows(c, IKE_V1, p))
        isakmp_invalid_spi(c->isakmp, p, spi);
    if (keyex_knows(c, IKE_V2, p) && !ike_invalid_spi(c->ike, p, spi) &&
        c->intent.invalid_spi_recovery)
        walk_recover(c, p);
}

void keyex_nat_moved(struct control *c, uint32_t sa, const struct ike_path *p)
{
    ike_nat_moved(c->ike, sa, p);
    isakmp_nat_moved(c->isakmp, sa, p);
}

static void restored(struct control *c, enum journal_kind kind, uint64_t key, int err)
{
    if (!err || err == -EEXIST)
        return;
    log_line(c->o.log, LOGL_NOTICE, "journal", "an IKE SA is not taken over: %s", strerror(-err));
    journal_remove(c->journal, kind, key); /* or it would be met again and again */
}

static void on_ike(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = (struct control *)ctx;
    restored(c, JOURNAL_IKE, key, ike_restore(c->ike, p, n));
}

static void on_isakmp(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = (struct control *)ctx;
    restored(c, JOURNAL_ISAKMP, key, isakmp_restore(c->isakmp, p, n));
}

void keyex_restore(struct control *c)
{
    journal_each(c->journal, JOURNAL_IKE, on_ike, c);
    journal_each(c->journal, JOURNAL_ISAKMP, on_isakmp, c);
}

struct each {
    bool (*fn)(void *ctx, const struct ike_sa_state *sa);
    void *ctx;
    bool more;
};

static bool each_one(void *ctx, const struct ike_sa_state *sa)
{
    struct each *e = (struct each *)ctx;
    e->more = e->fn(e->ctx, sa);
    return e->more;
}

void keyex_each(const struct control *c, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
                void *ctx)
{
    struct each e = {fn, ctx, true};
    isakmp_each(c->isakmp, each_one, &e);
    if (e.more)
        ike_each(c->ike, fn, ctx);
}

void keyex_each_of(const struct control *c, uint32_t policy,
                   bool (*fn)(void *ctx, const struct ike_sa_state *sa), void *ctx)
{
    struct each e = {fn, ctx, true};
    isakmp_each_of(c->isakmp, policy, each_one, &e);
    if (e.more)
        ike_each_of(c->ike, policy, fn, ctx);
}
