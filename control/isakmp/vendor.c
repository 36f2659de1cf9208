/*
 * Vendor IDs: what we say that we speak, and what a peer says (semantics.md §11).
 *
 * Those of NAT traversal stand in the first message of either side (RFC 3947 §3.1), the others in
 * the message with the keys, where IOS has them; a peer may send any of them anywhere.
 */
#include "control/isakmp/internal.h"

static const struct vendor {
    uint32_t bit;
    uint8_t len, match; /* bytes to send; of those the first so many are compared */
    const char *bytes, *text;
} vendors[] = {
    {VID_RFC3947, 16, 16, "\x4a\x13\x1c\x81\x07\x03\x58\x45\x5c\x57\x28\xf2\x0e\x95\x45\x2f",
     "NAT-T RFC 3947"},
    {VID_NATT_07, 16, 16, "\x43\x9b\x59\xf8\xba\x67\x6c\x4c\x77\x37\xae\x22\xea\xb8\xf5\x82",
     "NAT-T v7"},
    {VID_NATT_03, 16, 16, "\x7d\x94\x19\xa6\x53\x10\xca\x6f\x2c\x17\x9d\x92\x15\x52\x9d\x56",
     "NAT-T v3"},
    {VID_NATT_02, 16, 16, "\x90\xcb\x80\x91\x3e\xbb\x69\x6e\x08\x63\x81\xb5\xec\x42\x7b\x1f",
     "NAT-T v2"},
    /* RFC 3706 §5.1: the last two bytes are its version */
    {VID_DPD, 16, 14, "\xaf\xca\xd7\x13\x68\xa1\xf1\xc9\x6b\x86\x96\xfc\x77\x57\x01\x00", "DPD"},
    {VID_XAUTH, 8, 8, "\x09\x00\x26\x89\xdf\xd6\xb7\x12", "XAUTH"},
    {VID_UNITY, 16, 14, "\x12\xf5\xf2\x8c\x45\x71\x68\xa9\x70\x2d\x9f\xe2\x74\xcc\x01\x00",
     "Unity"},
    /* MD5 of "FRAGMENTATION", then what it is offered for: both modes */
    {VID_FRAGMENT, 20, 16,
     "\x40\x48\xb7\xd5\x6e\xbc\xe8\x85\x25\xe7\xde\x7f\x00\xd6\xc2\xd3\xc0\x00\x00\x00",
     "IKE Fragmentation"},
    /* Our own: how boxes of one kind know each other */
    {VID_TANDEM, 16, 16, "\x54\x61\x6e\x64\x65\x6d\x20\x49\x4b\x45\x20\x70\x65\x65\x72\x01", NULL},
};
#define VENDORS (sizeof vendors / sizeof *vendors)

static const struct vendor *vendor_of(uint32_t bit)
{
    for (size_t i = 0; i < VENDORS; i++)
        if (vendors[i].bit == bit)
            return &vendors[i];
    return NULL;
}

static void put(struct ike_writer *w, uint32_t bit)
{
    const struct vendor *v = vendor_of(bit);
    ike_w_payload(w, ISP_VENDOR, v->bytes, v->len);
}

static void put_natt(struct isk_sa *sa, struct ike_writer *w, uint32_t bit, const char *name)
{
    isk_debug_sa(sa, " constructed NAT-T vendor-%s ID", name);
    put(w, bit);
}

void isk_w_vendors_first(struct isk_sa *sa, struct ike_writer *w, bool fragmentation)
{
    put_natt(sa, w, VID_RFC3947, "rfc3947");
    put_natt(sa, w, VID_NATT_07, "07");
    put_natt(sa, w, VID_NATT_03, "03");
    put_natt(sa, w, VID_NATT_02, "02");
    if (fragmentation)
        put(w, VID_FRAGMENT);
}

/* RFC 3947 §3.1: the newest version that the peer speaks, too. */
void isk_w_vendors_answer(struct isk_sa *sa, struct ike_writer *w, bool fragmentation)
{
    if (sa->vendors & VID_RFC3947)
        put_natt(sa, w, VID_RFC3947, "rfc3947");
    else if (sa->vendors & VID_NATT_07)
        put_natt(sa, w, VID_NATT_07, "07");
    else if (sa->vendors & VID_NATT_03)
        put_natt(sa, w, VID_NATT_03, "03");
    else if (sa->vendors & VID_NATT_02)
        put_natt(sa, w, VID_NATT_02, "02");
    if (fragmentation && (sa->vendors & VID_FRAGMENT))
        put(w, VID_FRAGMENT);
}

void isk_w_vendors_keys(struct isk_sa *sa, struct ike_writer *w)
{
    (void)sa;
    put(w, VID_DPD);
    put(w, VID_TANDEM);
    put(w, VID_XAUTH);
}

static const struct vendor *read_one(const struct ike_payload *pl)
{
    for (size_t i = 0; i < VENDORS; i++)
        if (pl->len >= vendors[i].match && memcmp(pl->p, vendors[i].bytes, vendors[i].match) == 0)
            return &vendors[i];
    return NULL;
}

/* IOS reads each ID as if it were Unity's, whose last bytes are a version; "major" is byte 14. */
static void say(const struct isk_sa *sa, const struct ike_payload *pl, const struct vendor *v)
{
    bool old = v && (v->bit & (VID_RFC3947 | VID_NATT_07));

    isk_debug_sa(sa, " processing vendor id payload");
    if (v && v->bit == VID_TANDEM) {
        isk_debug_sa(sa, " speaking to another IOS box!");
        return;
    }
    if (!v || !(v->bit & (VID_DPD | VID_UNITY)))
        isk_debug_sa(sa, " vendor ID seems Unity/DPD but major %u mismatch",
                     pl->len > 14 ? pl->p[14] : 31u);
    if (old)
        isk_debug_old(sa, "vendor ID is %s", v->text);
    else if (v)
        isk_debug_sa(sa, " vendor ID is %s", v->text);
}

void isk_take_vendors(struct isk_sa *sa, const struct isk_rx *rx)
{
    for (unsigned i = 0; i < rx->pl.n; i++) {
        if (rx->pl.v[i].type != ISP_VENDOR)
            continue;
        const struct vendor *v = read_one(&rx->pl.v[i]);
        say(sa, &rx->pl.v[i], v);
        if (v)
            sa->vendors |= v->bit;
    }
    sa->s.peer_dpd = sa->vendors & VID_DPD;
    sa->s.peer_fragments = sa->vendors & VID_FRAGMENT;
    sa->natt_draft =
        !(sa->vendors & (VID_RFC3947 | VID_NATT_07)) && (sa->vendors & (VID_NATT_03 | VID_NATT_02));
}
