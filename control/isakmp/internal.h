/* The functions between the files of control/isakmp; types.h has what they work on. */
#ifndef TANDEM_CONTROL_ISAKMP_INTERNAL_H
#define TANDEM_CONTROL_ISAKMP_INTERNAL_H

#include "control/isakmp/types.h"

/* --- isakmp.c --- */
void isk_enter(struct isakmp *k);
void isk_leave(struct isakmp *k);
void isk_dropped(struct isakmp *k, const struct isk_sa *sa, enum isk_drop why);
void isk_stray(struct isakmp *k, const struct isk_rx *rx); /* dropped: it belongs to no SA */

/* --- jobs.c --- */
/* Starts a key agreement: a new key pair when dh is NULL (else it is taken), the secret when peer
 * is given. `then` gets the result (j->err) on the loop, maybe before this returns. */
int isk_job_start(struct isk_sa *sa, struct isk_node *node, uint16_t group, struct ike_dh *dh,
                  const uint8_t *peer, size_t peer_len,
                  void (*then)(struct isk_sa *sa, struct isk_node *node, struct ike_dh_job *j));
void isk_job_forget(struct isk_job **j); /* its owner ends */

/* --- commit.c: saved before it is said --- */
void isk_sa_changed(struct isk_sa *sa);
uint64_t isk_record_key(const struct isk_sa *sa);
void isk_commit(struct isakmp *k);
void isk_queue_free(struct isakmp *k);

/* --- steps.c: what may come when in phase 1 --- */
typedef void isk_step_fn(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx);
struct isk_step_row {
    enum isk_step step;
    uint8_t exchange;
    bool encrypted;
    uint64_t must, may; /* ISP_BIT sets; vendor IDs and notifies may come always */
    isk_step_fn *fn;
};
const struct isk_step_row *isk_step_find(enum isk_step step, const struct isk_rx *rx,
                                         enum isk_drop *why);
/* May the next message be encrypted? */
bool isk_step_encrypted(enum isk_step step);
isk_step_fn isk_on_mm1, isk_on_mm2, isk_on_mm3, isk_on_mm4, isk_on_mm5, isk_on_mm6, isk_on_am1,
    isk_on_am2, isk_on_am3;

/* --- sa.c --- */
struct isk_sa *isk_sa_new(struct isakmp *k, bool initiator, uint64_t cookie,
                          const struct ike_path *p);
void isk_sa_link(struct isk_sa *sa);
void isk_sa_init(struct isakmp *k, struct isk_sa *sa);
/* Every SA between these two addresses, and some others: on with sa->peer_next. */
struct isk_sa *isk_peer_first(const struct isakmp *k, const struct ike_path *p);
void isk_sa_moved(struct isk_sa *sa); /* to other addresses */
struct isk_sa *isk_sa_find(struct isakmp *k, uint64_t cky_i, uint64_t cky_r);
struct isk_sa *isk_sa_find_first(struct isakmp *k, uint64_t cky_i, const struct ike_path *p);
struct isk_sa *isk_sa_twin(struct isakmp *k, const struct isk_sa *of); /* the same, in the list */
/* The newest that is up with the peer of this path; NULL when there is none. */
struct isk_sa *isk_sa_with(struct isakmp *k, const struct ike_path *p);
/* The newest other one that is up with the peer of this one. */
struct isk_sa *isk_sa_other(struct isk_sa *sa);
bool isk_same_as(const struct isk_sa *a, const struct isk_sa *b); /* by name, too */
bool isk_same_peer(const struct isk_sa *sa, const struct ike_path *p);
/* Phase 1 ends; the peer is told if `tell`. Children go on, in another SA or in a shell. */
void isk_sa_end(struct isk_sa *sa, enum ike_reason why, bool tell);
/* The same with its children, and those of the same peer that hang elsewhere. */
void isk_peer_end(struct isk_sa *sa, enum ike_reason why, bool tell);
void isk_sa_established(struct isk_sa *sa);
/* Every want without a home: begins or uses an SA. Takes the want. */
int isk_want_start(struct isakmp *k, const struct ike_path *p, struct isk_want *want);
void isk_phase1_anew(struct isk_sa *sa); /* a successor for this one, unless one is on its way */
/* The peer has repeated our cookie, so the address is its own: if the configuration lists it, it
 * has a share of half-open SAs to itself. */
void isk_peer_shown(struct isk_sa *sa, const struct isakmp_peer_cfg *cfg);
void isk_sa_reap(struct isakmp *k);
void isk_sa_wipe(struct isk_sa *sa);
void isk_nego_free(struct isk_nego *n);
uint64_t isk_random_cookie(struct isakmp *k);
uint32_t isk_random_mid(struct isk_sa *sa);
uint32_t isk_random_spi(struct isakmp *k);
usec_t isk_below(struct isakmp *k, usec_t span);

/* --- life.c --- */
void isk_arm_life(struct isk_sa *sa);
void isk_on_life_timer(struct timer *t, void *owner);
/* When to replace what ends at `expires` after having lived since `created`. */
usec_t isk_rekey_time(struct isakmp *k, bool initiator, usec_t created, usec_t expires,
                      usec_t margin);
void isk_child_rekey(struct isk_sa *sa, unsigned i);
/* A successor for this child is asked for. */
bool isk_rekey_under_way(const struct isakmp *k, const struct ike_child_state *c);
bool isk_same_traffic(const struct ike_child_state *a, const struct ike_child_state *b);
/* Ends a child that the peer has lost, and asks for another. */
void isk_child_anew(struct isk_sa *sa, unsigned i);

/* --- dpd.c --- */
void isk_arm_dpd(struct isk_sa *sa);
void isk_on_dpd_timer(struct timer *t, void *owner);
void isk_dpd_notified(struct isk_sa *sa, const struct isk_notify_pl *n);
/* A clear notify about an SPI of ours: true when it was one. */
bool isk_spi_hint(struct isakmp *k, const struct ike_path *p, const struct isk_notify_pl *n);

/* --- message.c: building, sealing, opening --- */
struct isk_out {
    struct ike_writer w;
    size_t hash_at, rest_at; /* body of the HASH payload; what is behind it */
};
/* Into k->out. A HASH payload of zeros comes first if `hash`. */
void isk_begin(struct isk_sa *sa, struct isk_out *m, uint8_t exchange, uint32_t mid, bool hash);
/* Fills the HASH payload: over `before` and what is behind it. */
int isk_fill_hash(struct isk_sa *sa, struct isk_out *m, uint32_t mid, struct bytes before);
/* Closes the message; iv NULL: in clear. The result is in k->out, *len bytes. */
int isk_finish(struct isk_sa *sa, struct isk_out *m, uint8_t *iv, size_t *len);
int isk_keep(struct isk_msg *to, const void *p, size_t len);
void isk_msg_free(struct isk_msg *m);
/* Decrypts rx with rx->iv and reads the chain. 0 or the reason to drop. */
enum isk_drop isk_open(struct isk_sa *sa, struct isk_rx *rx);
/* Does the first payload hold the hash of the message? */
bool isk_hash_good(struct isk_sa *sa, const struct isk_rx *rx, struct bytes before);
void isk_digest(struct isakmp *k, struct isk_rx *rx);

/* --- retransmit.c --- */
/* Keeps k->out as the last message of phase 1 and sends it; repeated until answered if `ask`. */
int isk_send_phase1(struct isk_sa *sa, size_t len, bool ask);
void isk_answered(struct isk_sa *sa, const struct isk_rx *rx);
void isk_on_send_timer(struct timer *t, void *owner);
void isk_send(struct isk_sa *sa, const struct ike_path *p, const uint8_t *msg, size_t len);
int isk_node_send(struct isk_node *n, size_t len, bool ask);
void isk_node_repeat(struct isk_node *n);
void isk_on_node_timer(struct timer *t, void *owner);

/* --- offer1.c: proposals of phase 1 --- */
/* Writes our policies as SA payload; they go to sa->nego, too. -ENOENT: nothing to offer. */
int isk_w_offer1(struct isk_sa *sa, struct ike_writer *w, const struct isakmp_policy *policy,
                 size_t n);
/* In which attribute a transform and a policy differ first. */
enum isk_mismatch {
    ISK_MATCHES,
    ISK_OTHER_CIPHER,
    ISK_OTHER_KEY_LENGTH,
    ISK_OTHER_HASH,
    ISK_OTHER_AUTH,
    ISK_OTHER_GROUP
};
enum isk_mismatch isk_match1(const struct isk_xform *x, const struct isakmp_policy *p);
uint64_t isk_life1(const struct isk_xform *x); /* seconds; 0 = none */
uint16_t isk_cipher_of_wire(uint64_t wire);    /* 0: none that we know */
uint16_t isk_hash_of_wire(uint64_t wire);
/* Responder: the first of our policies that one of the transforms meets. Fills suite, lifetime and
 * nego->choice. -ENOENT, after it was told what does not fit. */
int isk_choose1(struct isk_sa *sa, const struct isk_offer *offer,
                const struct isakmp_policy *policy, size_t n);
/* Initiator: the answer must be one of what was offered. */
int isk_accept1(struct isk_sa *sa, const struct isk_offer *answer);

/* --- offer2.c: proposals of quick mode --- */
int isk_w_offer2(struct isk_sa *sa, struct ike_writer *w, struct isk_node *n);
/* Responder: fills algorithms, SPIs and lifetimes of n->child, and n->choice.
 * The group for PFS is in n->child.pfs_group. -ENOENT. */
int isk_choose2(struct isk_sa *sa, const struct isk_offer *offer, struct isk_node *n,
                const struct ike_child_cfg *cfg);
int isk_accept2(struct isk_sa *sa, const struct isk_offer *answer, struct isk_node *n);
/* The lifetime in attributes, seconds and kilobytes; 0 where there is none. */
void isk_life_read(const struct isk_xform *x, uint64_t *seconds, uint64_t *kbytes);
uint16_t isk_esp_of_wire(uint8_t wire); /* 0: none that we know */
uint16_t isk_integ_of_wire(uint64_t wire);
/* Tunnel or transport mode for these selectors, enum sadb_mode. */
uint8_t isk_mode_for(const struct isk_sa *sa, const struct ike_child_cfg *cfg,
                     const struct ike_esp_proposal *p);

/* --- main_mode.c, aggressive.c --- */
int isk_send_plain(struct isk_sa *sa, struct isk_out *m, bool ask);
void isk_main_start(struct isk_sa *sa, const struct isakmp_policy *policy, size_t n);
void isk_aggressive_start(struct isk_sa *sa, const struct isakmp_policy *policy, size_t n);

/* --- phase1.c: what both modes share --- */
bool isk_peer_cfg(struct isk_sa *sa, const struct ike_identity *id, struct isakmp_peer_cfg *cfg);
bool isk_peer_cfg_quiet(struct isk_sa *sa, struct isakmp_peer_cfg *cfg);
void isk_number(struct isk_sa *sa); /* gives it its conn-id */
void isk_new_nonce(struct isakmp *k, uint8_t *to, size_t *len);
bool isk_ke_read(const struct isk_rx *rx, uint16_t group, uint8_t to[IKE_PUB_MAX]);
void isk_begin_phase1(struct isk_sa *sa); /* by configuration in one of the modes */
void isk_refuse_first(struct isakmp *k, const struct isk_rx *rx, uint16_t notify);
bool isk_nonce_read(const struct isk_rx *rx, uint8_t *to, size_t *len);
int isk_make_keys(struct isk_sa *sa, const struct isakmp_peer_cfg *cfg, struct ike_dh_job *j);
int isk_own_hash(struct isk_sa *sa, struct bytes id, uint8_t *out);
bool isk_peer_hash(struct isk_sa *sa, struct bytes id, const struct ike_payload *hash);
/* Our ID payload; its body goes to *body. */
void isk_w_own_id(struct isk_sa *sa, struct ike_writer *w, const struct isakmp_peer_cfg *cfg,
                  struct bytes *body);
bool isk_take_id(struct isk_sa *sa, const struct ike_payload *pl);
/* Notifies that come with the proven identity; they may end the SA. */
void isk_take_notifies(struct isk_sa *sa, const struct isk_rx *rx);
void isk_w_lifetime(struct isk_sa *sa, struct ike_writer *w);
void isk_initial_contact(struct isk_sa *sa);
bool isk_needs_contact(const struct isk_sa *sa);
void isk_w_contact(struct isk_sa *sa, struct ike_writer *w);
void isk_failed(struct isk_sa *sa, enum ike_reason why);

/* --- vendor.c --- */
void isk_w_vendors_first(struct isk_sa *sa, struct ike_writer *w, bool fragmentation);
void isk_w_vendors_answer(struct isk_sa *sa, struct ike_writer *w, bool fragmentation);
void isk_w_vendors_keys(struct isk_sa *sa, struct ike_writer *w);
/* Notes what the peer speaks; `sa` may be told twice. */
void isk_take_vendors(struct isk_sa *sa, const struct isk_rx *rx);

/* --- natt.c --- */
void isk_w_natd(struct isk_sa *sa, struct ike_writer *w);
void isk_take_natd(struct isk_sa *sa, const struct isk_rx *rx);
void isk_float(struct isk_sa *sa); /* to port 4500 */
void isk_follow(struct isk_sa *sa,
                const struct ike_path *p); /* a verified message came from there */
uint16_t isk_wire_mode(const struct isk_sa *sa, uint8_t mode);    /* as attribute */
uint8_t isk_mode_of_wire(const struct isk_sa *sa, uint64_t wire); /* 0: not one we use */
void isk_w_natoa(struct isk_sa *sa, struct ike_writer *w, bool initiator);

/* --- fragment.c --- */
/* Cuts a message that is too long and queues the pieces; false: it is to be sent whole. */
bool isk_fragment_out(struct isk_sa *sa, const struct ike_path *p, const uint8_t *msg, size_t len);
bool isk_is_fragment(const uint8_t *msg, size_t len);
/* Keeps a piece; with the last one `whole` gets the message. */
void isk_fragment_in(struct isakmp *k, const struct ike_path *p, const uint8_t *msg, size_t len,
                     void (*whole)(struct isakmp *k, const struct ike_path *p, const uint8_t *msg,
                                   size_t len));
void isk_parts_free(struct isk_parts *p);
#define ISK_FRAGMENT_SIZE 548 /* as with IKEv2: 576 less IP and UDP */

/* --- quick.c --- */
int isk_quick_start(struct isk_sa *sa, struct isk_want *want); /* takes want */
void isk_quick_input(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx);

/* --- node.c --- */
struct isk_node *isk_node_new(struct isk_sa *sa, uint32_t mid);
void isk_node_init(struct isk_sa *sa, struct isk_node *n); /* links it */
void isk_node_free(struct isk_node *n);                    /* unlinked, no timer, no job */
struct isk_node *isk_node_find(struct isk_sa *sa, uint32_t mid);
void isk_node_end(struct isk_node *n, enum ike_reason why);
void isk_node_done(struct isk_node *n);
void isk_nodes_end(struct isk_sa *sa, enum ike_reason why);
void isk_nodes_reap(struct isakmp *k);
bool isk_mid_seen(struct isk_sa *sa, uint32_t mid);
void isk_mid_note(struct isk_sa *sa, uint32_t mid);
struct isk_want *isk_want_new(struct isakmp *k, const struct ike_child_cfg *cfg);
void isk_want_free(struct isk_want *w);
void isk_want_failed(struct isakmp *k, const struct ike_path *p, struct isk_want *w,
                     enum ike_reason why);
void isk_wants_begin(struct isk_sa *sa);
void isk_wants_failed(struct isk_sa *sa, enum ike_reason why);

/* --- child.c --- */
/* What every child has from its configuration. */
void isk_child_from_cfg(const struct isk_sa *sa, struct isk_node *n,
                        const struct ike_child_cfg *cfg);
/* Makes the keys and hands both directions to the host. 0 or -errno. */
int isk_child_install(struct isk_node *n, bool initiator, struct bytes secret,
                      const struct ike_child_cfg *cfg);
void isk_child_remove(struct isk_sa *sa, unsigned i, enum ike_reason why, bool tell);
/* Another peer has its traffic now. On the ASA phase 1 goes with its last child. */
void isk_child_taken(struct isk_sa *sa, unsigned i);
int isk_child_by_spi(const struct isk_sa *sa, uint32_t spi_in);
/* Of this peer, in whichever SA: the child with this inbound or outbound SPI. */
bool isk_child_find(struct isakmp *k, const struct ike_path *p, uint32_t spi_in, uint32_t spi_out,
                    struct isk_sa **sa, unsigned *i);
bool isk_child_replaced(const struct isk_sa *sa, const struct ike_child_state *c);
/* The child has a successor: nothing is sent on it any more, and `after` from now the peer is told
 * that it ends. */
void isk_child_leave(struct isk_sa *sa, unsigned i, usec_t after);
void isk_children_move(struct isk_sa *from, struct isk_sa *to);
/* Other peers' children of this policy go (semantics.md §1.2). */
void isk_replace_others(struct isk_sa *sa, uint32_t policy);

/* --- info.c --- */
void isk_info_input(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx);
/* One informational message, whose payload put() writes; kept, too, unless keep is NULL. */
void isk_send_info(struct isk_sa *sa, void (*put)(struct ike_writer *w, const void *what),
                   const void *what, struct isk_msg *keep);
void isk_put_notify(struct ike_writer *w, const void *notify); /* struct isk_notify_pl */
void isk_send_notify(struct isk_sa *sa, uint16_t type, uint8_t proto, const void *spi,
                     size_t spi_len, const void *data, size_t len);
/* ISPROTO_ISAKMP: this SA itself. */
void isk_send_delete(struct isk_sa *sa, uint8_t proto, uint32_t spi);
/* The peer is told, in whichever SA is up with it, that a child of sa ends. */
void isk_tell_child(struct isk_sa *sa, const struct ike_child_state *c);
void isk_shorter_life(struct isk_sa *sa, const struct isk_notify_pl *n);

/* --- state.c: an SA as bytes --- */
#define ISK_RECORD_MAX (160u * 1024)
size_t isk_sa_pack(struct isk_sa *sa, uint8_t *p, size_t cap);
/* The same back, into an SA that is in no list and has no timer: 0, -EPROTO, -EINVAL, -ENOMEM.
 * After an error, too, isk_sa_discard() frees it. shift: our clock less the one it was packed by.
 */
struct isk_numbers { /* what makes our numbers go on where they were */
    uint64_t hash_key;
    uint32_t spis, conn_id;
};
int isk_sa_unpack(struct isk_sa *sa, struct isk_numbers *n, const uint8_t *p, size_t len,
                  usec_t shift);

/* --- restore.c, passive.c --- */
/* An SA that is in no list goes on here, or it is gone: 0, -EEXIST, -ESTALE, -ENOMEM. */
int isk_sa_take_over(struct isk_sa *sa, bool saved);
void isk_sa_discard(struct isk_sa *sa); /* one in no list, with its nodes */
void isk_passive_free(struct isakmp *k);

/* --- mismatch.c --- */
void isk_mismatch1(struct isk_sa *sa, const struct isk_offer *offer,
                   const struct isakmp_policy *policy, size_t n);
/* More is asked for than the line of this configuration has. */
void isk_widened(struct isk_sa *sa, const struct ike_child_cfg *cfg);
/* No line of ours permits what the peer wants to be protected; sel is empty when it made no sense.
 */
void isk_mismatch_proxies(struct isk_sa *sa, const struct selector *sel);
void isk_mismatch2(struct isk_sa *sa, const struct isk_offer *offer, const struct isk_node *n);

/* --- debug.c --- */
bool isk_debugging(const struct isakmp *k, enum isakmp_debug cls);
void isk_debug(struct isakmp *k, enum isakmp_debug cls, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "ISAKMP:(1001):" and the text */
void isk_debug_sa(const struct isk_sa *sa, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "ISAKMP (1001): " and the text */
void isk_debug_old(const struct isk_sa *sa, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void isk_event(struct isk_sa *sa, enum ike_event ev, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void isk_debug_input(const struct isk_sa *sa, const char *input);
/* Phase 1 goes to another step, which is told. */
void isk_move(struct isk_sa *sa, enum isk_step to);
void isk_node_moved(const struct isk_node *n, const char *from, const char *to, const char *input);
const char *isk_state_text(const struct isk_sa *sa); /* "(I) MM_NO_STATE" */
const char *isk_id_name(uint8_t type);               /* "ID_IPV4_ADDR" */
uint32_t isk_debug_handle(const struct isk_sa *sa);  /* what IOS prints of a pointer */
void isk_debug_received(struct isakmp *k, const struct isk_sa *sa, const struct ike_path *p);

/* --- debug_text.c: what takes more than a line --- */
void isk_debug_new_peer(const struct isk_sa *sa);
void isk_debug_id(const struct isk_sa *sa, const struct isk_id *id, uint8_t next);
void isk_debug_xform1(const struct isk_sa *sa, const struct isk_xform *x, uint8_t num,
                      uint32_t priority);
void isk_debug_verdict1(const struct isk_sa *sa, enum isk_mismatch m, unsigned next);
void isk_debug_lifetime(const struct isk_sa *sa);
void isk_say_authenticated(const struct isk_sa *sa);
void isk_debug_inserted(const struct isk_sa *sa);
void isk_debug_complete(struct isk_sa *sa);
void isk_debug_offer2(const struct isk_sa *sa, const struct isk_offer *o);
void isk_debug_proposal(const struct isk_sa *sa, const struct isk_node *n,
                        const struct selector *offered);
void isk_debug_creating(const struct isk_sa *sa, const struct isk_node *n);
void isk_debug_created(const struct isk_sa *sa, const struct ike_child_state *c);
void isk_debug_enabled(const struct isk_sa *sa, const struct ike_child_state *c);

#endif
