/*
 * IKEv1: show crypto isakmp sa, policy, key and peers of IOS, show crypto ikev1 sa of the ASA.
 */
#include "lib/vec.h"
#include "modes/internal.h"
#include "modes/ipsec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the names of what was negotiated ------------------------------------------------------------
 */

static const char *encr_short(uint16_t id)
{
    return id == ENCR_DES ? "des" : id == ENCR_3DES ? "3des" : "aes";
}

static const char *hash_short(uint16_t prf)
{
    switch (prf) {
    case PRF_MD5:
        return "md5";
    case PRF_SHA1:
        return "sha";
    case PRF_SHA256:
        return "sha256";
    case PRF_SHA384:
        return "sha384";
    default:
        return "sha512";
    }
}

/* --- show crypto isakmp sa (IOS) ----------------------------------------------------------------
 */

struct sa_show {
    struct str v4, v6;
    usec_t now;
    bool detail, skip_active, skip_standby, only_nat;
    unsigned active, standby, busy, dead;
};

static void sa_row(struct str *out, const struct ike_sa_state *sa)
{
    const struct addr *from = sa->initiator ? &sa->path.local : &sa->path.remote;
    const struct addr *to = sa->initiator ? &sa->path.remote : &sa->path.local;
    char dst[ADDR_STRLEN], src[ADDR_STRLEN];
    bool gone = sa->state == IKE_DELETING || sa->state == IKE_DEAD;
    str_printf(out, "%-15s %-15s %-14s %7u %s\n", addr_print(to, dst, sizeof dst),
               addr_print(from, src, sizeof src),
               isakmp_state_name(gone ? ISAKMP_MM_NO_STATE : (enum isakmp_state)sa->phase1),
               sa->tunnel_id,
               gone          ? "ACTIVE (deleted)"
               : sa->passive ? "STDBY"
                             : "ACTIVE");
}

static void sa_detail(struct str *out, const struct ike_sa_state *sa, usec_t now)
{
    char local[ADDR_STRLEN], remote[ADDR_STRLEN], encr[16] = "", dh[8] = "";
    uint64_t left = sa->expires > now ? (uint64_t)((sa->expires - now) / USEC_PER_SEC) : 0;
    bool chosen = sa->suite.encr != 0;
    if (chosen) {
        snprintf(encr, sizeof encr, "%s", encr_short(sa->suite.encr));
        snprintf(dh, sizeof dh, "%u", sa->suite.group);
    }
    str_printf(out,
               "%-5u %-15s %-15s        %-6s %-4s %-6s %-4s %-2s %02llu:%02llu:%02llu %s%s%s\n",
               sa->tunnel_id, addr_print(&sa->path.local, local, sizeof local),
               addr_print(&sa->path.remote, remote, sizeof remote),
               sa->passive ? "STDBY" : "ACTIVE", encr, chosen ? hash_short(sa->suite.prf) : "",
               chosen ? "psk" : "", dh, LLU(left / 3600), LLU(left / 60 % 60), LLU(left % 60),
               sa->dpd_seconds ? "D" : "", sa->nat_local || sa->nat_remote ? "N" : "",
               sa->peer_fragments ? "F" : "");
    str_printf(out, "       Engine-id:Conn-id =  SW:%u\n", sa->tunnel_id % 1000);
}

static bool each_sa(void *ctx, const struct ike_sa_state *sa)
{
    struct sa_show *s = (struct sa_show *)ctx;
    struct str *out = sa->path.remote.family == AF_INET6 ? &s->v6 : &s->v4;
    if (sa->version != IKE_V1 || sa->state == IKE_IDLE ||
        (sa->passive ? s->skip_standby : s->skip_active) ||
        (s->only_nat && !sa->nat_local && !sa->nat_remote))
        return true;
    if (sa->passive)
        s->standby++;
    else if (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYED)
        s->active++;
    else if (sa->state < IKE_ESTABLISHED)
        s->busy++;
    else
        s->dead++;
    if (s->detail)
        sa_detail(out, sa, s->now);
    else
        sa_row(out, sa);
    return true;
}

static void sa_table(struct cmd *c, const char *family, struct str *rows, bool detail)
{
    cmd_printf(c, "%s Crypto ISAKMP SA\n", family);
    if (detail && strcmp(family, "IPv4") == 0)
        cmd_puts(c, "\nC-id  Local           Remote          I-VRF  Status Encr Hash   Auth DH "
                    "Lifetime Cap.\n\n");
    else if (!detail && strcmp(family, "IPv4") == 0)
        cmd_puts(c, "dst             src             state          conn-id status\n");
    cmd_puts(c, str_text(rows));
    cmd_puts(c, "\n");
    str_free(rows);
}

int show_isakmp_sa(struct cmd *c, const struct a_show_isakmp_sa *a)
{
    struct sa_show s = {.now = clock_mono(control_clock(c->control)),
                        .detail = a->detail,
                        .skip_active = a->standby || a->has_vrf, /* there are no VRFs */
                        .skip_standby = a->active || a->has_vrf,
                        .only_nat = a->nat};
    query_ike_sas(c->control, each_sa, &s);
    if (a->count) {
        cmd_printf(c,
                   "Active ISAKMP SA's: %u\n\nStandby ISAKMP SA's: %u\n\n"
                   "Currently being negotiated ISAKMP SA's: %u\n\nDead ISAKMP SA's: %u\n",
                   s.active, s.standby, s.busy, s.dead);
        str_free(&s.v4);
        str_free(&s.v6);
        return CMD_OK;
    }
    if (a->detail)
        cmd_puts(c, "Codes: C - IKE configuration mode, D - Dead Peer Detection\n"
                    "       K - Keepalives, N - NAT-traversal\n"
                    "       T - cTCP encapsulation, X - IKE Extended Authentication\n"
                    "       psk - Preshared key, rsig - RSA signature\n"
                    "       renc - RSA encryption\n");
    sa_table(c, "IPv4", &s.v4, a->detail);
    sa_table(c, "IPv6", &s.v6, a->detail);
    return CMD_OK;
}

/* --- show crypto isakmp policy, key, peers (IOS) ------------------------------------------------
 */

static const char *encr_long(const struct ike_alg *e, char *buf, size_t cap)
{
    if (e->id == ENCR_DES)
        return "DES - Data Encryption Standard (56 bit keys).";
    if (e->id == ENCR_3DES)
        return "Three key triple DES";
    snprintf(buf, cap, "AES - Advanced Encryption Standard (%u bit keys).", e->keybits);
    return buf;
}

static const char *hash_long(uint16_t hash)
{
    switch (hash) {
    case PRF_MD5:
        return "Message Digest 5";
    case PRF_SHA1:
        return "Secure Hash Standard";
    case PRF_SHA256:
        return "Secure Hash Standard 2 (256 bit)";
    case PRF_SHA384:
        return "Secure Hash Standard 2 (384 bit)";
    default:
        return "Secure Hash Standard 2 (512 bit)";
    }
}

static const char *group_long(uint16_t group)
{
    static const struct {
        uint16_t id;
        const char *text;
    } names[] = {
        {DH_768, "#1 (768 bit)"},     {DH_1024, "#2 (1024 bit)"},
        {DH_1536, "#5 (1536 bit)"},   {DH_2048, "#14 (2048 bit)"},
        {DH_3072, "#15 (3072 bit)"},  {DH_4096, "#16 (4096 bit)"},
        {DH_ECP256, "#19 (256 bit)"}, {DH_ECP384, "#20 (384 bit)"},
        {DH_ECP521, "#21 (521 bit)"}, {DH_2048_256, "#24 (2048 bit, 256 bit subgroup)"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].id == group)
            return names[i].text;
    return "unknown";
}

/* RFC 2409 appendix A. */
static const char *auth_long(uint16_t auth)
{
    return auth == 1   ? "Pre-Shared Key"
           : auth == 3 ? "Rivest-Shamir-Adleman Signature"
                       : "Rivest-Shamir-Adleman Encryption";
}

int show_isakmp_policy(struct cmd *c, const struct a_show_isakmp_policy *a)
{
    const struct intent *want = query_intent(c->control);
    char text[80];
    (void)a;
    cmd_puts(c, "\nGlobal IKE policy\n");
    for (uint32_t i = 0; want && i < want->n_isakmp; i++) {
        const struct isakmp_policy *p = &want->isakmp[i];
        cmd_printf(c, "Protection suite of priority %u\n", p->priority);
        cmd_printf(c, "\tencryption algorithm:\t%s\n", encr_long(&p->encr, text, sizeof text));
        cmd_printf(c, "\thash algorithm:\t\t%s\n", hash_long(p->hash));
        cmd_printf(c, "\tauthentication method:\t%s\n", auth_long(p->auth));
        cmd_printf(c, "\tDiffie-Hellman group:\t%s\n", group_long(p->group));
        cmd_printf(c, "\tlifetime:\t\t%u seconds, no volume limit\n", p->lifetime);
    }
    return CMD_OK;
}

struct peers {
    struct cmd *c;
};

static bool each_peer(void *ctx, const struct ike_sa_state *sa)
{
    const struct peers *p = (const struct peers *)ctx;
    char remote[ADDR_STRLEN], local[ADDR_STRLEN];
    struct str id = {0};
    if (sa->version != IKE_V1 || sa->state != IKE_ESTABLISHED)
        return true;
    render_identity(&id, &sa->remote_id);
    cmd_printf(p->c, "Peer: %s Port: %u Local: %s\n Phase1 id: %s\n",
               addr_print(&sa->path.remote, remote, sizeof remote), sa->path.rport,
               addr_print(&sa->path.local, local, sizeof local), str_text(&id));
    str_free(&id);
    return true;
}

int show_isakmp_peers(struct cmd *c, const struct a_show_isakmp_peers *a)
{
    struct peers p = {.c = c};
    (void)a;
    query_ike_sas(c->control, each_peer, &p);
    return CMD_OK;
}

/* --- show crypto ikev1 sa (ASA) -----------------------------------------------------------------
 */

struct v1_list {
    const struct ike_sa_state **sa;
    size_t n, cap;
};

static bool collect(void *ctx, const struct ike_sa_state *sa)
{
    struct v1_list *l = (struct v1_list *)ctx;
    if (sa->version != IKE_V1 || sa->state == IKE_IDLE || sa->state == IKE_DEAD)
        return true;
    if (!VEC_ROOM(l->sa, l->cap, l->n + 1))
        return false;
    l->sa[l->n++] = sa;
    return true;
}

/* The message waited for: an initiator waits for even ones. */
static const char *asa_state(const struct ike_sa_state *sa)
{
    if (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYED)
        return sa->aggressive ? "AM_ACTIVE" : "MM_ACTIVE";
    switch ((enum isakmp_state)sa->phase1) {
    case ISAKMP_MM_SA_SETUP:
        return sa->initiator ? "MM_WAIT_MSG4" : "MM_WAIT_MSG3";
    case ISAKMP_MM_KEY_EXCH:
        return sa->initiator ? "MM_WAIT_MSG6" : "MM_WAIT_MSG5";
    case ISAKMP_MM_KEY_AUTH:
        return "MM_WAIT_MSG6";
    case ISAKMP_AG_NO_STATE:
    case ISAKMP_AG_INIT_EXCH:
    case ISAKMP_AG_AUTH:
        return sa->initiator ? "AM_WAIT_MSG2" : "AM_WAIT_MSG3";
    default:
        return "MM_WAIT_MSG2";
    }
}

static void v1_detail(struct cmd *c, const struct ike_sa_state *sa, size_t i)
{
    char peer[ADDR_STRLEN], encr[16] = "";
    if (sa->suite.encr == ENCR_AES_CBC)
        snprintf(encr, sizeof encr, "aes-%u", sa->suite.encr_bits);
    else if (sa->suite.encr)
        snprintf(encr, sizeof encr, "%s", encr_short(sa->suite.encr));
    cmd_printf(c, "%zu %-9s L2L   %-4s %-3s  %-10s %-7s %-5s %-7s %u\n", i,
               addr_print(&sa->path.remote, peer, sizeof peer), sa->initiator ? "Init" : "Resp",
               sa->state == IKE_REKEYED ? "Yes" : "No",
               sa->state == IKE_ESTABLISHED ? (sa->aggressive ? "AM_Active" : "MM_Active")
                                            : asa_state(sa),
               encr, sa->suite.prf == PRF_MD5 ? "MD5" : "SHA", "preshrd", sa->lifetime);
}

static void v1_sa(struct cmd *c, const struct ike_sa_state *sa, size_t i)
{
    char peer[ADDR_STRLEN];
    cmd_printf(c, "%-3zu IKE Peer: %s\n", i, addr_print(&sa->path.remote, peer, sizeof peer));
    cmd_printf(c, "    Type    : %-15s Role    : %s \n", "L2L",
               sa->initiator ? "initiator" : "responder");
    cmd_printf(c, "    Rekey   : %-15s State   : %s \n", sa->state == IKE_REKEYED ? "yes" : "no",
               asa_state(sa));
}

int show_ikev1_sa(struct cmd *c, const struct a_show_ikev1_sa *a)
{
    struct v1_list l = {0};
    size_t rekey = 0;
    query_ike_sas(c->control, collect, &l);
    for (size_t i = 0; i < l.n; i++)
        rekey += l.sa[i]->state == IKE_REKEYED;
    if (l.n) {
        cmd_printf(c,
                   "\nIKEv1 SAs:\n\n   Active SA: %zu\n    Rekey SA: %zu (A tunnel will report 1 "
                   "Active and 1 Rekey SA during rekey)\nTotal IKE SA: %zu\n\n",
                   l.n - rekey, rekey, l.n);
        if (a->detail)
            cmd_puts(c, "IKE Peer      Type  Dir   Rky  State      Encrypt Hash  Auth    "
                        "Lifetime\n");
        for (size_t i = 0; i < l.n; i++)
            (a->detail ? v1_detail : v1_sa)(c, l.sa[i], i + 1);
    } else
        cmd_puts(c, "\nThere are no IKEv1 SAs\n");
    free(l.sa);
    if (a->both) {
        struct a_show_ikev2_sa all = {.detail = a->detail};
        return show_ikev2_sa(c, &all);
    }
    return CMD_OK;
}
