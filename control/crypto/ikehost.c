/*
 * What IKE asks of its host (control/ike/ike.h): configuration looked up in the intent in force,
 * messages carried by the right socket, SAs handed to the tunnel manager, words to people.
 */
#include "control/journal.h"
#include "control/priv.h"
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

int ike_transport_send(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    if (!endpoint_is_ours(c, &p->local))
        return -EADDRNOTAVAIL;
    if (p->lport != PORT_NAT)
        return udp_send(c, p, msg, len);
    struct sadb_ike ike;
    memset(&ike, 0, sizeof(ike));
    ike.local = p->local;
    ike.remote = p->remote;
    ike.local_port = p->lport;
    ike.remote_port = p->rport;
    return dp_send(c, SADB_IKE_SEND, &ike, sizeof(ike), msg, len);
}

static int host_send(void *h, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct control *c = (struct control *)h;
    return outbox_take(c, p, msg, len) ? 0 : ike_transport_send(c, p, msg, len);
}

static const struct ike_policy *host_policies(void *h, const struct addr *local, size_t *n)
{
    const struct control *c = (const struct control *)h;
    const struct port *p = control_port_of(c, local);
    *n = 0;
    if (!p || !p->ifp->ikev2)
        return NULL;
    *n = p->ifp->policy ? p->ifp->n_policy : c->intent.n_policy;
    return p->ifp->policy ? p->ifp->policy : c->intent.policy;
}

static bool host_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                      struct ike_peer_cfg *out)
{
    const struct control *c = (const struct control *)h;
    const struct intent_peer *peer = control_peer(&c->intent, p, id);
    if (!peer)
        return false;
    *out = peer->cfg;
    out->sync_ids = mirror_shares(c, p);
    out->listed = addr_eq(&peer->remote.addr, &p->remote) &&
                  peer->remote.len == addr_bits(&peer->remote.addr);
    return true;
}

static int host_accept_child(void *h, const struct ike_sa_state *sa, const struct selector *offered,
                             size_t n, struct ike_child_cfg *cfg)
{
    return accept_child((struct control *)h, sa, offered, n, cfg);
}

static int host_child_cfg(void *h, const struct ike_sa_state *sa, const struct ike_child_state *k,
                          struct ike_child_cfg *cfg)
{
    return tunnel_rekey_cfg((struct control *)h, sa->version, k, cfg);
}

static void host_child_retired(void *h, const struct ike_sa_state *sa,
                               const struct ike_child_state *k)
{
    (void)sa;
    tunnel_child_retired((struct control *)h, k);
}

static int host_child_alloc(void *h, struct ike_child_state *k)
{
    struct control *c = (struct control *)h;
    struct identities *ids = &c->ids;
    k->slot_in = slot_take(ids);
    k->slot_out = slot_take(ids);
    const struct port *p = ports_by_ifid(&c->ports, k->ifid);
    bool shared = p && p->ifp && p->ifp->stateful;
    uint32_t *last = shared ? &ids->last_shared : &ids->last_sa;
    k->sa_in = wanted_next(*last | (shared ? WANTED_SHARED : 0));
    k->sa_out = *last = wanted_next(k->sa_in);
    adopt_count(c);
    return 0;
}

static int host_child_up(void *h, const struct ike_sa_state *sa, const struct ike_child_state *k,
                         const struct ike_child_keys *keys, const struct ike_child_cfg *cfg)
{
    return tunnel_child_up((struct control *)h, sa, k, keys, cfg);
}

static void host_child_down(void *h, const struct ike_sa_state *sa, const struct ike_child_state *k,
                            enum ike_reason why)
{
    (void)sa;
    tunnel_child_down((struct control *)h, k, why);
}

static void host_initiate_failed(void *h, uint32_t policy, const struct ike_path *p,
                                 enum ike_reason why)
{
    tunnel_initiate_failed((struct control *)h, IKE_V2, policy, p, why);
}

/* What anybody can provoke: at most a line a second, whatever the cause. How many of which cause
 * there were is for show asp drop. */
static void say_dropped(struct control *c, const struct ike_sa_state *sa, const char *text)
{
    char peer[ADDR_STRLEN] = "";
    uint64_t held;
    if (!log_limit_pass(&c->dropped, clock_mono(&c->o.clock), USEC_PER_SEC, &held))
        return;
    log_line(c->o.log, LOGL_NOTICE, "ike",
             "message dropped: %s%s%s (and %llu others, of any cause, since the last line)",
             text ? text : "", sa ? ", peer " : "",
             sa ? addr_print(&sa->path.remote, peer, sizeof(peer)) : "", (unsigned long long)held);
}

static void say_mismatch(struct control *c, const char *text)
{
    uint64_t held;
    if (log_limit_pass(&c->mismatch, clock_mono(&c->o.clock), USEC_PER_SEC, &held))
        log_line(c->o.log, LOGL_NOTICE, "ike", "%s", text ? text : "");
}

static void host_event(void *h, enum ike_event ev, const struct ike_sa_state *sa, const char *text)
{
    static const char *const names[] = {
        [IKE_EV_SA_UP] = "SA up",
        [IKE_EV_SA_DOWN] = "SA down",
        [IKE_EV_CHILD_UP] = "child up",
        [IKE_EV_CHILD_DOWN] = "child down",
    };
    struct control *c = (struct control *)h;
    char peer[ADDR_STRLEN] = "";
    if (ev == IKE_EV_SA_UP && sa && c->lab)
        lab_ike(c->lab, sa);
    if (ev == IKE_EV_DROPPED)
        say_dropped(c, sa, text);
    if (ev == IKE_EV_NO_PROPOSAL)
        say_mismatch(c, text);
    if (ev > IKE_EV_CHILD_DOWN || !sa)
        return;
    log_line(c->o.log, LOGL_NOTICE, "ike", "%s, tunnel %u, peer %s%s%s", names[ev], sa->tunnel_id,
             addr_print(&sa->path.remote, peer, sizeof(peer)), text && *text ? ": " : "",
             text ? text : "");
}

static bool host_debug_on(void *h, enum ike_debug cls, unsigned level)
{
    const struct control *c = (const struct control *)h;
    /* what each form of IOS shows, as a set of classes, and how much of it */
    static const struct {
        unsigned classes, level;
    } form[CONTROL_DEBUG_V1] = {
        [CONTROL_DEBUG_DEFAULT] = {1u << IKE_DBG_PROTOCOL | 1u << IKE_DBG_PACKET |
                                       1u << IKE_DBG_ERROR,
                                   4},
        [CONTROL_DEBUG_ERROR] = {1u << IKE_DBG_ERROR, 4},
        [CONTROL_DEBUG_INTERNAL] = {1u << IKE_DBG_PROTOCOL | 1u << IKE_DBG_PLATFORM, 255},
        [CONTROL_DEBUG_PACKET] = {1u << IKE_DBG_PACKET, 4},
    };
    if ((unsigned)cls >= IKE_DBG_CLASSES)
        return false;
    for (unsigned i = CONTROL_DEBUG_DEFAULT; i < CONTROL_DEBUG_V1; i++)
        if (c->debug[i] && (form[i].classes >> cls & 1) && level <= form[i].level)
            return true;
    return level <= c->debug[cls == IKE_DBG_PACKET  ? IKE_DBG_PLATFORM
                             : cls == IKE_DBG_ERROR ? IKE_DBG_PROTOCOL
                                                    : cls];
}

static bool host_debug_ios(void *h)
{
    return !((const struct control *)h)->ports.asa;
}

static void host_debug(void *h, enum ike_debug cls, unsigned level, const char *text)
{
    (void)cls;
    (void)level;
    control_notice((struct control *)h, text);
}

static void host_run_job(void *h, struct ike_job *j)
{
    jobs_run(((struct control *)h)->jobs, j);
}

usec_t slot_last_used(const struct control *c, uint32_t slot)
{
    return c->stats && slot < DPSTATS_SLOTS
               ? (usec_t)atomic_load_explicit(&c->stats->slot[slot].last_us, memory_order_relaxed)
               : 0;
}

/* The newest ESP packet of any of its children (RFC 7296 §2.4: traffic is a sign of life). */
static usec_t host_last_traffic(void *h, const struct ike_sa_state *sa)
{
    const struct control *c = (const struct control *)h;
    usec_t last = 0;
    for (uint32_t i = 0; i < sa->n_children; i++) {
        usec_t t = slot_last_used(c, sa->child[i].slot_in);
        last = t > last ? t : last;
    }
    return last;
}

static usec_t host_last_sent(void *h, const struct ike_sa_state *sa)
{
    const struct control *c = (const struct control *)h;
    usec_t last = 0;
    for (uint32_t i = 0; i < sa->n_children; i++) {
        usec_t t = slot_last_used(c, sa->child[i].slot_out);
        last = t > last ? t : last;
    }
    return last;
}

void keyex_save(struct control *c, unsigned kind, const struct ike_sa_state *sa, uint64_t key,
                const uint8_t *p, size_t n)
{
    enum journal_kind k = (enum journal_kind)kind;
    uint64_t held;
    int err = 0;
    if (c->journal && p)
        err = journal_put(c->journal, k, key, p, n);
    else if (c->journal)
        journal_remove(c->journal, k, key);
    if (err) /* an outdated record is worse than none: its message IDs have been used */
        journal_remove(c->journal, k, key);
    if (err && log_limit_pass(&c->unsaved, clock_mono(&c->o.clock), USEC_PER_SEC, &held))
        log_line(c->o.log, LOGL_WARNING, "journal", "no room for an IKE SA: %s", strerror(-err));
    /* What the other box does not have it can be told to forget. */
    if (!p || mirror_shares(c, &sa->path))
        sso_record(c, k == JOURNAL_IKE ? SSO_IKE : SSO_ISAKMP, key, p, n);
}

static void host_save(void *h, const struct ike_sa_state *sa, uint64_t key, const uint8_t *p,
                      size_t n)
{
    keyex_save((struct control *)h, JOURNAL_IKE, sa, key, p, n);
}

static void host_random(void *h, uint8_t *p, size_t n)
{
    (void)h;
    /* Without randomness there is no IKE: zeroes make the exchange fail, and never a key, since
     * key pairs come from the same generator and that fails too. */
    if (RAND_bytes(p, (int)n) != 1)
        memset(p, 0, n);
}

const struct ike_host control_ike_host = {
    .send = host_send,
    .policies = host_policies,
    .peer = host_peer,
    .accept_child = host_accept_child,
    .child_cfg = host_child_cfg,
    .child_alloc = host_child_alloc,
    .child_up = host_child_up,
    .child_retired = host_child_retired,
    .child_down = host_child_down,
    .initiate_failed = host_initiate_failed,
    .event = host_event,
    .debug_on = host_debug_on,
    .debug = host_debug,
    .debug_ios = host_debug_ios,
    .run_job = host_run_job,
    .random = host_random,
    .save = host_save,
    .last_traffic = host_last_traffic,
    .last_sent = host_last_sent,
};
