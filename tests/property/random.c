/* See random.h. */
#include "tests/property/random.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t rnd_next(struct rnd *r)
{
    /* SplitMix64: small, and good enough to reach every arm. */
    uint64_t z = (r->s += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned rnd_below(struct rnd *r, unsigned n)
{
    return n ? (unsigned)(rnd_next(r) % n) : 0;
}

/* --- values ---------------------------------------------------------------------------------- */

static void random_word(struct rnd *r, uint64_t most, struct str *out)
{
    static const char letters[] = "abcXYZ019-_.";
    unsigned n = rnd_below(r, most > 12 ? 12 : (unsigned)most);
    str_addc(out, 'Z');
    for (unsigned i = 0; i < n; i++)
        str_addc(out, letters[rnd_below(r, sizeof(letters) - 1)]);
}

static void random_rest(struct rnd *r, uint64_t most, struct str *out)
{
    /* Also texts that begin like the digit that says of what kind they are. */
    if (most > 20 && rnd_below(r, 6) == 0)
        str_add(out, rnd_below(r, 2) ? "0 " : "5 ");
    random_word(r, most > 8 ? 8 : most, out);
    if (most < 40)
        return;
    for (unsigned n = rnd_below(r, 3); n; n--) {
        str_add(out, rnd_below(r, 2) ? " " : "  ! ");
        random_word(r, 8, out);
    }
}

static void random_number(struct rnd *r, uint64_t lo, uint64_t hi, struct str *out)
{
    uint64_t v = lo + rnd_next(r) % (hi - lo + 1);
    unsigned edge = rnd_below(r, 6);
    str_printf(out, "%" PRIu64, edge == 0 ? lo : edge == 1 ? hi : v);
}

static void random_address(struct rnd *r, const struct g_arg *a, struct str *out)
{
    char buf[ADDR_STRLEN];
    struct addr ad = addr_from_v4((uint32_t)rnd_next(r));
    if (a->type == GT_MASK)
        ad = addr_len_to_mask(AF_INET, rnd_below(r, 33));
    str_add(out, addr_print(&ad, buf, sizeof(buf)));
}

static void random_ifname(struct rnd *r, struct str *out)
{
    static const char *const names[] = {"GigabitEthernet0/",   "Ethernet0/",  "Loopback", "Tunnel",
                                        "GigabitEthernet0/1.", "Port-channel"};
    str_printf(out, "%s%u", names[rnd_below(r, 6)], rnd_below(r, 40));
}

void random_value(struct rnd *r, const struct g_arg *a, struct str *out)
{
    const struct g_enum *e = value_keywords(a);
    unsigned k;
    switch (a->type) {
    case GT_ENUM:
        str_add(out, g_words[e->first + rnd_below(r, e->count)].text);
        break;
    case GT_PROTO:
    case GT_PORT:
        if (rnd_below(r, 2)) {
            str_add(out, g_words[e->first + rnd_below(r, e->count)].text);
            break;
        }
        random_number(r, a->lo, a->hi, out);
        break;
    case GT_NUM:
        random_number(r, a->lo, a->hi, out);
        break;
    case GT_IP:
    case GT_MASK:
    case GT_WILDCARD:
        random_address(r, a, out);
        break;
    case GT_IP6:
        str_printf(out, "2001:db8::%x", 1 + rnd_below(r, 0xffff));
        break;
    case GT_ADDR:
        if (rnd_below(r, 2))
            random_address(r, a, out);
        else
            str_printf(out, "2001:db8::%x", 1 + rnd_below(r, 0xffff));
        break;
    case GT_PREFIX6:
        str_printf(out, "2001:db8:%x::/%u", 1 + rnd_below(r, 0xffff), 48 + rnd_below(r, 81));
        break;
    case GT_IFNAME:
        random_ifname(r, out);
        break;
    case GT_TIME:
        str_printf(out, "%02u:%02u:%02u", rnd_below(r, 24), rnd_below(r, 60), rnd_below(r, 60));
        break;
    case GT_HEX:
        str_printf(out, "%x", rnd_below(r, a->hi > 3 ? 0xfff : 0xf));
        break;
    case GT_TEXT:
        k = rnd_below(r, 2);
        str_add(out, k ? "^C" : "#");
        random_rest(r, a->hi > 60 ? 60 : a->hi, out);
        str_add(out, k ? "^C" : "# behind it");
        break;
    case GT_REST:
        random_rest(r, a->hi, out);
        break;
    default:
        random_word(r, a->hi, out);
        break;
    }
}

/* --- lines ----------------------------------------------------------------------------------- */

/* One walk through a form: as text, and its own arguments (and the keys above) as values. */
struct walk {
    struct rnd *r;
    struct str *text;
    const struct cfg_node *parent; /* ancestors' keys come from here, or are random */
};

static void spell(struct walk *w, uint16_t x);

static const void *ancestor(const struct walk *w, uint16_t entry)
{
    const struct cfg_node *n = w->parent;
    while (n && n->entry != entry)
        n = n->parent;
    return n ? n->args : NULL;
}

static void spell_position(struct walk *w, const struct g_pos *p)
{
    unsigned times = p->flags & GP_PLUS ? 1 + rnd_below(w->r, 4) : 1;
    for (; times; times--) {
        if (w->text->len)
            str_addc(w->text, ' ');
        if (p->word) {
            str_add(w->text, p->word);
            continue;
        }
        const struct g_arg *a = &g_args[p->arg];
        const void *from = p->flags & GP_OWN ? NULL : ancestor(w, a->entry);
        struct value v;
        if (!from) {
            random_value(w->r, a, w->text);
            continue;
        }
        field_load(a, from, &v);
        value_print(a, &v, true, w->text);
    }
}

static void spell(struct walk *w, uint16_t x)
{
    const struct g_expr *e = &g_exprs[x];
    unsigned arms = 0;
    switch (e->kind) {
    case GX_POS:
        spell_position(w, &g_positions[e->pos]);
        return;
    case GX_OPT:
        if (rnd_below(w->r, 2))
            spell(w, e->child);
        return;
    case GX_ALT:
        for (uint16_t c = e->child; c != G_NONE; c = g_exprs[c].next)
            arms++;
        arms = rnd_below(w->r, arms);
        for (uint16_t c = e->child; c != G_NONE; c = g_exprs[c].next)
            if (arms-- == 0)
                spell(w, c);
        return;
    default:
        for (uint16_t c = e->child; c != G_NONE; c = g_exprs[c].next)
            spell(w, c);
        return;
    }
}

static void line_below(struct rnd *r, uint16_t form, const struct cfg_node *parent, struct str *out)
{
    struct walk w = {.r = r, .text = out, .parent = parent};
    if (g_forms[form].flags & GF_INVERTED)
        str_add(out, "no");
    spell(&w, g_forms[form].expr);
}

void random_line(struct rnd *r, uint16_t form, struct str *out)
{
    line_below(r, form, NULL, out);
}

static enum line_status type_next(struct line_text *more, struct line_place *p, struct cfg_tree *t,
                                  const char *text)
{
    struct line_result *r = calloc(1, sizeof(*r));
    enum line_status s;
    struct txn x;
    if (!r)
        return LINE_TOO_LONG;
    line_read(more, p, t, text, r);
    s = r->status;
    if (s == LINE_OK && !line_is_exec(r->entry)) {
        txn_begin(&x, t, p->asa);
        if (line_edit(p, &x, r) != 0)
            s = LINE_INVALID;
        txn_commit(&x);
        txn_end(&x);
    }
    line_result_free(r);
    free(r);
    return s;
}

enum line_status type_line(struct line_place *p, struct cfg_tree *t, const char *text)
{
    struct line_text more = {0};
    enum line_status s = type_next(&more, p, t, text);
    line_text_drop(&more);
    return s;
}

unsigned type_text(struct line_place *p, struct cfg_tree *t, const char *text, struct str *bad)
{
    unsigned refused = 0;
    struct str line = {0};
    struct line_text more = {0};
    while (*text) {
        size_t n = strcspn(text, "\n");
        str_clear(&line);
        str_addn(&line, text, n);
        enum line_status s = type_next(&more, p, t, str_text(&line));
        if (s != LINE_OK && s != LINE_EMPTY && s != LINE_OPEN && refused++ == 0 && bad)
            str_add(bad, str_text(&line));
        text += n + (text[n] == '\n');
    }
    refused += line_text_open(&more);
    line_text_drop(&more);
    str_free(&line);
    return refused;
}

static unsigned own_dialect(const struct line_place *p)
{
    return p->asa ? G_ASA : G_IOS;
}

bool enter_mode(struct rnd *r, struct line_place *p, struct cfg_tree *t, uint16_t mode)
{
    if (mode == G_MODE_EXEC) {
        p->depth = 0;
        return true;
    }
    p->depth = 1;
    if (mode == G_MODE_CONFIG)
        return true;
    for (uint16_t i = 0; i < g_nforms; i++) {
        const struct g_form *f = &g_forms[i];
        if (f->enter != mode || !(f->dialect & own_dialect(p)) || (f->flags & GF_NO))
            continue;
        struct str line = {0};
        if (!enter_mode(r, p, t, f->mode))
            return false;
        line_below(r, i, p->stack[p->depth].node, &line);
        enum line_status s = type_line(p, t, str_text(&line));
        str_free(&line);
        return s == LINE_OK && p->stack[p->depth].mode == mode;
    }
    return false;
}

/* --- trees ----------------------------------------------------------------------------------- */

/* Types one random line for each of some forms. Lines make nodes in a random order, with
 * items added, replaced and, now and then, taken away again: trees that people can make. */
struct cfg_tree *random_tree(struct rnd *r, bool asa)
{
    struct cfg_tree *t = cfg_tree_new();
    struct line_place p;
    if (!t)
        return NULL;
    line_place_init(&p, asa, 15, t);
    unsigned lines = 5 + rnd_below(r, 120);
    uint16_t focus = (uint16_t)rnd_below(r, g_nforms);
    for (unsigned i = 0; i < lines; i++) {
        /* Neighbouring forms share parents; staying near them makes deeper trees. */
        if (rnd_below(r, 8) == 0)
            focus = (uint16_t)rnd_below(r, g_nforms);
        uint16_t at = (uint16_t)((focus + rnd_below(r, 12)) % g_nforms);
        const struct g_form *f = &g_forms[at];
        struct str line = {0};
        if (g_entries[f->entry].kind == G_EXEC || !(f->dialect & own_dialect(&p)))
            continue;
        bool here = p.depth && p.stack[p.depth].mode == f->mode && rnd_below(r, 4);
        if (!here && !enter_mode(r, &p, t, f->mode))
            continue;
        if (rnd_below(r, 12) == 0 && !(f->flags & GF_INVERTED))
            str_add(&line, "no");
        line_below(r, at, NULL, &line);
        (void)type_line(&p, t, str_text(&line));
        str_free(&line);
    }
    return t;
}
