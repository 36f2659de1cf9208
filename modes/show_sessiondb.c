/*
 * show vpn-sessiondb [detail] l2l (ASA): a block for each peer with an IKE SA.
 */
#include "modes/internal.h"
#include "modes/ipsec.h"
#include <string.h>

#define COL_SECOND 39

struct sessiondb {
    struct cmd *c;
    struct str out;
    usec_t mono, wall;
    bool detail;
    unsigned shown;
};

static void second(struct str *out)
{
    str_pad(out, COL_SECOND);
}

/* "AES256", "3DES", "none" */
static void cipher(struct str *out, uint16_t encr, uint16_t bits)
{
    if (encr == ENCR_AES_GCM16)
        str_printf(out, "AES-GCM-%u", bits);
    else if (encr == ENCR_AES_GMAC)
        str_printf(out, "AES-GMAC-%u", bits);
    else if (encr == ENCR_AES_CBC)
        str_printf(out, "AES%u", bits);
    else
        str_add(out, encr == ENCR_3DES ? "3DES" : encr == ENCR_DES ? "DES" : "none");
}

static const char *hash(uint16_t integ)
{
    switch (integ) {
    case INTEG_MD5_96:
        return "MD5";
    case INTEG_SHA1_96:
        return "SHA1";
    case INTEG_SHA256_128:
        return "SHA256";
    case INTEG_SHA384_192:
        return "SHA384";
    case INTEG_SHA512_256:
        return "SHA512";
    default:
        return "none";
    }
}

static const char *prf(uint16_t id)
{
    const struct transform *t = transform_find(T_PRF, id, 0);
    return t ? t->ike : "none";
}

static const char *ike_hash(const struct ike_sa_state *sa)
{
    return sa->version == IKE_V1 ? prf(sa->suite.prf) : hash(sa->suite.integ);
}

static void sum(const struct sessiondb *s, const struct ike_child_state *k, uint64_t *tx,
                uint64_t *rx)
{
    const struct dp_counters *in = query_counters(s->c->control, k->slot_in);
    const struct dp_counters *out = query_counters(s->c->control, k->slot_out);
    *tx += out ? dp_read(&out->bytes) : 0;
    *rx += in ? dp_read(&in->bytes) : 0;
}

static void head(struct sessiondb *s, const struct ike_sa_state *sa)
{
    struct str *o = &s->out;
    unsigned v = sa->version == IKE_V1 ? 1 : 2;
    bool nat = sa->nat_local || sa->nat_remote;
    uint64_t tx = 0, rx = 0, up = (uint64_t)((s->mono - sa->established) / USEC_PER_SEC);
    char peer[ADDR_STRLEN], clock[64];
    for (uint32_t i = 0; i < sa->n_children; i++)
        sum(s, &sa->child[i], &tx, &rx);
    str_printf(o, "Connection   : %s\n", addr_print(&sa->path.remote, peer, sizeof peer));
    str_printf(o, "Index        : %u", session_index(sa));
    second(o);
    str_printf(o, "IP Addr      : %s\n", peer);
    str_printf(o, "Protocol     : IKEv%u %s\n", v, nat ? "IPsecOverNatT" : "IPsec");
    str_printf(o, "Encryption   : IKEv%u: (1)", v);
    cipher(o, sa->suite.encr, sa->suite.encr_bits);
    if (sa->n_children) {
        str_printf(o, "  IPsec: (%u)", sa->n_children);
        cipher(o, sa->child[0].encr, sa->child[0].encr_bits);
    }
    str_printf(o, "\nHashing      : IKEv%u: (1)%s", v, ike_hash(sa));
    if (sa->n_children)
        str_printf(o, "  IPsec: (%u)%s", sa->n_children, hash(sa->child[0].integ));
    str_printf(o, "\nBytes Tx     : %llu", LLU(tx));
    second(o);
    str_printf(o, "Bytes Rx     : %llu\n", LLU(rx));
    time_clock(clock, sizeof clock, s->c->tree, s->wall - (s->mono - sa->established), false);
    str_printf(o, "Login Time   : %s\n", clock);
    str_printf(o, "Duration     : %lluh:%02llum:%02llus\n", LLU(up / 3600), LLU(up / 60 % 60),
               LLU(up % 60));
}

static void ike_block(struct sessiondb *s, const struct ike_sa_state *sa)
{
    struct str *o = &s->out;
    uint64_t left = sa->expires > s->mono ? (uint64_t)((sa->expires - s->mono) / USEC_PER_SEC) : 0;
    unsigned v = sa->version == IKE_V1 ? 1 : 2;
    str_printf(o, "\nIKEv%u Tunnels: 1\nIPsec Tunnels: %u\n\nIKEv%u:\n", v, sa->n_children, v);
    str_printf(o, "  Tunnel ID    : %u.1\n", session_index(sa));
    str_printf(o, "  UDP Src Port : %u", sa->path.rport);
    second(o);
    str_printf(o, "UDP Dst Port : %u\n", sa->path.lport);
    if (v == 1) {
        str_printf(o, "  IKE Neg Mode : %s", sa->aggressive ? "Aggressive" : "Main");
        second(o);
        str_add(o, "Auth Mode    : preSharedKeys\n");
    } else {
        str_add(o, "  Rem Auth Mode: preSharedKeys\n  Loc Auth Mode: preSharedKeys\n");
    }
    str_add(o, "  Encryption   : ");
    cipher(o, sa->suite.encr, sa->suite.encr_bits);
    second(o);
    str_printf(o, "Hashing      : %s\n", ike_hash(sa));
    str_printf(o, "  Rekey Int (T): %u Seconds", sa->lifetime);
    second(o);
    str_printf(o, "Rekey Left(T): %llu Seconds\n", LLU(left));
    if (v == 2) {
        str_printf(o, "  PRF          : %s", prf(sa->suite.prf));
        second(o);
    } else {
        str_add(o, "  ");
    }
    str_printf(o, "D/H Group    : %u\n  Filter Name  : \n", sa->suite.group);
}

static void proxy(struct str *o, const char *name, const struct addr_range *r, uint8_t proto,
                  const uint16_t port[2])
{
    struct str t = {0};
    ipsec_ident(&t, r, proto, port);
    /* without the parentheses and the newline */
    str_printf(o, "  %s Addr%s : %.*s\n", name, *name == 'L' ? "  " : " ", (int)(t.len - 3),
               str_text(&t) + 1);
    str_free(&t);
}

static void child_block(struct sessiondb *s, const struct ike_sa_state *sa, uint32_t i)
{
    const struct ike_child_state *k = &sa->child[i];
    const struct dp_counters *in = query_counters(s->c->control, k->slot_in);
    const struct dp_counters *out = query_counters(s->c->control, k->slot_out);
    struct str *o = &s->out;
    uint64_t tx = 0, rx = 0;
    sum(s, k, &tx, &rx);
    str_printf(o, "\n%s:\n  Tunnel ID    : %u.%u\n", k->udp ? "IPsecOverNatT" : "IPsec",
               session_index(sa), i + 2);
    if (k->n_ts) {
        proxy(o, "Local", &k->ts[0].local, k->ts[0].proto, k->ts[0].lport);
        proxy(o, "Remote", &k->ts[0].remote, k->ts[0].proto, k->ts[0].rport);
    }
    str_add(o, "  Encryption   : ");
    cipher(o, k->encr, k->encr_bits);
    second(o);
    str_printf(o, "Hashing      : %-23s\n", hash(k->integ));
    str_printf(o, "  Encapsulation: %s", k->mode == SADB_TRANSPORT ? "Transport" : "Tunnel");
    second(o);
    if (k->pfs_group)
        str_printf(o, "PFS Group    : %u\n", k->pfs_group);
    else
        str_addc(o, '\n');
    str_printf(o, "  Rekey Int (T): %u Seconds", k->life_seconds);
    second(o);
    str_printf(o, "Rekey Left(T): %llu Seconds          \n", LLU(ipsec_seconds_left(k, s->mono)));
    if (k->life_kbytes) {
        str_printf(o, "  Rekey Int (D): %llu K-Bytes", LLU(k->life_kbytes));
        second(o);
        str_printf(o, "Rekey Left(D): %llu K-Bytes        \n", LLU(ipsec_kbytes_left(k, out)));
    }
    str_printf(o, "  Bytes Tx     : %llu", LLU(tx));
    second(o);
    str_printf(o, "Bytes Rx     : %llu\n", LLU(rx));
    str_printf(o, "  Pkts Tx      : %llu", LLU(ipsec_packets(out)));
    second(o);
    str_printf(o, "Pkts Rx      : %llu\n", LLU(ipsec_packets(in)));
}

static bool each_sa(void *ctx, const struct ike_sa_state *sa)
{
    struct sessiondb *s = (struct sessiondb *)ctx;
    if (sa->state != IKE_ESTABLISHED)
        return true;
    if (!s->shown++)
        str_printf(&s->out, "\nSession Type: LAN-to-LAN%s\n", s->detail ? " Detailed" : "");
    str_addc(&s->out, '\n');
    head(s, sa);
    if (s->detail) {
        ike_block(s, sa);
        for (uint32_t i = 0; i < sa->n_children; i++)
            child_block(s, sa, i);
    }
    cmd_puts(s->c, str_text(&s->out));
    str_clear(&s->out);
    return true;
}

int show_sessiondb(struct cmd *c, const struct a_show_sessiondb *a)
{
    struct sessiondb s = {.c = c,
                          .mono = clock_mono(control_clock(c->control)),
                          .wall = clock_wall(control_clock(c->control)),
                          .detail = a->detail};
    query_ike_sas(c->control, each_sa, &s);
    if (!s.shown)
        cmd_puts(c, "INFO: There are presently no active sessions of the type specified\n");
    cmd_puts(c, "\n");
    str_free(&s.out);
    return CMD_OK;
}
