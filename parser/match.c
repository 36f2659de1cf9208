/*
 * See match.h. Rules of preference per token stand in docs/grammar.md, "Matching".
 */
#include "parser/match.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int tokens_split(struct tokens *out, const char *text, size_t from, size_t to)
{
    out->text = text;
    out->n = 0;
    out->end = from;
    for (size_t i = from; i < to;) {
        while (i < to && (text[i] == ' ' || text[i] == '\t'))
            i++;
        if (i == to)
            break;
        size_t k = i;
        while (k < to && text[k] != ' ' && text[k] != '\t')
            k++;
        if (out->n == MATCH_TOKENS || k > UINT16_MAX)
            return -1;
        out->t[out->n++] = (struct token){(uint16_t)i, (uint16_t)(k - i)};
        out->end = i = k;
    }
    return 0;
}

void match_init(struct matcher *m, const struct tokens *tok, uint16_t mode, bool asa, unsigned priv,
                bool typed_no)
{
    memset(m, 0, sizeof(*m));
    m->tok = tok;
    m->mode = mode;
    m->dialect = asa ? G_ASA : G_IOS;
    m->priv = priv;
    m->typed_no = typed_no;
}

void match_free(struct matcher *m)
{
    free(m->th);
    free(m->cand);
    free(m->seen);
    str_free(&m->among);
    m->th = NULL;
    m->cand = NULL;
    m->seen = NULL;
}

bool match_negates(const struct matcher *m, const struct g_form *f)
{
    if (g_entries[f->entry].kind == G_EXEC)
        return f->flags & GF_NO;
    return m->typed_no != ((f->flags & GF_INVERTED) != 0);
}

static bool form_usable(const struct matcher *m, const struct g_form *f)
{
    const struct g_entry *e = &g_entries[f->entry];
    if (!(f->dialect & m->dialect) || e->priv > m->priv)
        return false;
    if (e->kind == G_EXEC)
        return !m->typed_no; /* its `no` is a word of the form */
    return !(f->flags & GF_NO) || m->typed_no;
}

/* --- candidates ---------------------------------------------------------------------------- */

static bool add_candidate(struct matcher *m, uint16_t pos, uint8_t half, uint32_t from)
{
    if (half == H_WHOLE) {
        if (m->seen[pos])
            return true;
        m->seen[pos] = 1;
    }
    if (m->ncand == m->cap_cand) {
        size_t cap = m->cap_cand ? m->cap_cand * 2 : 256;
        struct candidate *c = realloc(m->cand, cap * sizeof(*c));
        if (!c)
            return false;
        m->cand = c;
        m->cap_cand = cap;
    }
    m->cand[m->ncand++] = (struct candidate){pos, half, from};
    return true;
}

static bool first_candidates(struct matcher *m)
{
    const struct g_mode *mode = &g_modes[m->mode];
    for (uint16_t i = 0; i < mode->nform; i++) {
        const struct g_form *f = &g_forms[g_mode_forms[mode->form + i]];
        if (!form_usable(m, f))
            continue;
        for (uint16_t k = 0; k < f->nfirst; k++)
            if (!add_candidate(m, g_follow[f->first + k], H_WHOLE, 0))
                return false;
    }
    return true;
}

static bool next_candidates(struct matcher *m)
{
    bool ok = true;
    m->ncand = 0;
    if (m->steps == 0)
        ok = first_candidates(m);
    for (uint32_t i = m->steps ? m->step[m->steps - 1] : 0; i < m->nth && ok; i++) {
        const struct thread *t = &m->th[i];
        const struct g_pos *p = &g_positions[t->pos];
        if (t->half == H_FIRST) {
            ok = add_candidate(m, t->pos, H_SECOND, i);
            continue;
        }
        for (uint16_t k = 0; k < p->nfollow && ok; k++)
            ok = add_candidate(m, g_follow[p->follow + k], H_WHOLE, i);
    }
    for (size_t i = 0; i < m->ncand; i++)
        m->seen[m->cand[i].pos] = 0;
    return ok;
}

/* --- one token ----------------------------------------------------------------------------- */

struct verdict { /* over all candidates of one token */
    bool exact, many;
    const char *prefix; /* the keyword it abbreviates */
    unsigned rank;      /* least of the typed values; 0 = none */
};

static void weigh_keyword(struct verdict *v, enum kw_match k, const char *text)
{
    if (k == KW_EXACT)
        v->exact = true;
    if (k != KW_PREFIX)
        return;
    if (!v->prefix)
        v->prefix = text;
    else if (strcasecmp(v->prefix, text) != 0)
        v->many = true;
}

static bool hidden(const struct g_pos *p)
{
    return g_entries[g_forms[p->form].entry].flags & GE_HIDDEN;
}

/* A hidden command must be spelt out, so that it never makes another one ambiguous. */
static enum kw_match word_match(const struct g_pos *p, const char *text, const char *t, size_t n)
{
    enum kw_match k = kw_match(text, t, n);
    return k == KW_PREFIX && hidden(p) ? KW_NO : k;
}

static enum kw_match best_keyword(const struct g_pos *p, const char *t, size_t n, struct verdict *v)
{
    enum kw_match best = KW_NO;
    if (p->word) {
        best = word_match(p, p->word, t, n);
        if (v)
            weigh_keyword(v, best, p->word);
        return best;
    }
    const struct g_enum *e = value_keywords(&g_args[p->arg]);
    for (uint16_t i = 0; e && i < e->count; i++) {
        const char *text = g_words[e->first + i].text;
        enum kw_match k = word_match(p, text, t, n);
        if (v)
            weigh_keyword(v, k, text);
        best = k > best ? k : best;
    }
    return best;
}

/* How a candidate takes the token as a value: its rank, or 0. */
static unsigned typed_rank(const struct candidate *c, const char *t, size_t n, uint8_t *half)
{
    const struct g_pos *p = &g_positions[c->pos];
    char joined[80], name[64];
    *half = H_WHOLE;
    if (p->word)
        return 0;
    const struct g_arg *a = &g_args[p->arg];
    if (c->half == H_SECOND) {
        *half = H_SECOND;
        if (n + 2 > sizeof(joined))
            return 0;
        joined[0] = 'e'; /* any type: only the number is looked at */
        memcpy(joined + 1, t, n);
        return ifname_read(joined, n + 1, name, sizeof(name)) == 0 ? g_rank(GT_IFNAME) : 0;
    }
    if (a->type == GT_IFNAME && ifname_is_type(t, n)) {
        *half = H_FIRST;
        return g_rank(a->type);
    }
    if (a->type == GT_REST || a->type == GT_TEXT)
        *half = H_REST;
    return value_accepts(a, t, n) ? g_rank(a->type) : 0;
}

static struct verdict weigh(const struct matcher *m, const char *t, size_t n)
{
    struct verdict v = {0};
    for (size_t i = 0; i < m->ncand; i++) {
        uint8_t half;
        if (m->cand[i].half == H_WHOLE)
            (void)best_keyword(&g_positions[m->cand[i].pos], t, n, &v);
        unsigned rank = typed_rank(&m->cand[i], t, n, &half);
        if (rank && (!v.rank || rank < v.rank))
            v.rank = rank;
    }
    return v;
}

static bool add_thread(struct matcher *m, uint16_t pos, uint8_t half, uint32_t from)
{
    if (m->nth == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 256;
        struct thread *t = realloc(m->th, cap * sizeof(*t));
        if (!t)
            return false;
        m->th = t;
        m->cap = cap;
    }
    m->th[m->nth++] = (struct thread){pos, half, from};
    return true;
}

/* Threads for the candidates that win the token. */
static bool keep(struct matcher *m, const struct verdict *v, const char *t, size_t n,
                 size_t rest_len)
{
    for (size_t i = 0; i < m->ncand; i++) {
        const struct candidate *c = &m->cand[i];
        const struct g_pos *p = &g_positions[c->pos];
        uint8_t half = H_WHOLE;
        bool wins;
        if (v->exact)
            wins = c->half == H_WHOLE && best_keyword(p, t, n, NULL) == KW_EXACT;
        else if (v->prefix && !v->many)
            wins = c->half == H_WHOLE && best_keyword(p, t, n, NULL) == KW_PREFIX;
        else
            wins = typed_rank(c, t, n, &half) == v->rank;
        if (wins && half == H_REST && !value_accepts(&g_args[p->arg], t, rest_len))
            wins = false;
        if (wins && !add_thread(m, c->pos, half, c->from))
            return false;
    }
    return true;
}

static size_t viable(const struct candidate *c, const char *t, size_t n)
{
    const struct g_pos *p = &g_positions[c->pos];
    if (hidden(p))
        return 0;
    if (p->word)
        return kw_common(p->word, t, n);
    const struct g_arg *a = &g_args[p->arg];
    size_t best = c->half == H_SECOND ? 0 : value_viable(a, t, n);
    const struct g_enum *e = value_keywords(a);
    for (uint16_t i = 0; e && i < e->count; i++) {
        size_t k = kw_common(g_words[e->first + i].text, t, n);
        best = k > best ? k : best;
    }
    return best;
}

/* The caret stands under the first character that no candidate can go on with. */
static enum line_status refuse(struct matcher *m, unsigned token)
{
    const struct token *t = &m->tok->t[token];
    size_t best = 0;
    for (size_t i = 0; i < m->ncand; i++) {
        size_t k = viable(&m->cand[i], m->tok->text + t->at, t->n);
        best = k > best ? k : best;
    }
    m->bad = token;
    m->column = t->at + best;
    return LINE_INVALID;
}

static void add_unique(struct str *s, const char *text)
{
    size_t n = strlen(text);
    for (const char *p = str_text(s); *p;) {
        size_t k = strcspn(p, " ");
        if (k == n && strncasecmp(p, text, n) == 0)
            return;
        p += k + (p[k] == ' ');
    }
    if (s->len)
        str_addc(s, ' ');
    str_add(s, text);
}

static enum line_status ambiguous(struct matcher *m, unsigned token)
{
    const struct token *t = &m->tok->t[token];
    const char *text = m->tok->text + t->at;
    for (size_t i = 0; i < m->ncand; i++) {
        const struct g_pos *p = &g_positions[m->cand[i].pos];
        if (m->cand[i].half != H_WHOLE)
            continue;
        if (p->word) {
            if (word_match(p, p->word, text, t->n) != KW_NO)
                add_unique(&m->among, p->word);
            continue;
        }
        const struct g_enum *e = value_keywords(&g_args[p->arg]);
        for (uint16_t k = 0; e && k < e->count; k++)
            if (word_match(p, g_words[e->first + k].text, text, t->n) != KW_NO)
                add_unique(&m->among, g_words[e->first + k].text);
    }
    m->bad = token;
    m->column = t->at;
    return LINE_AMBIGUOUS;
}

enum line_status match_run(struct matcher *m, unsigned upto)
{
    if (!m->seen)
        m->seen = calloc(g_npositions + 1u, 1);
    if (!m->seen)
        return LINE_INVALID;
    for (unsigned i = m->steps; i < upto; i++) {
        const struct token *t = &m->tok->t[i];
        const char *text = m->tok->text + t->at;
        if (!next_candidates(m))
            return refuse(m, i);
        struct verdict v = weigh(m, text, t->n);
        if (!v.exact && v.many && !v.rank)
            return ambiguous(m, i);
        if (!v.exact && (!v.prefix || v.many) && !v.rank)
            return refuse(m, i);
        if (!v.exact && i < m->spelt_out)
            return refuse(m, i);
        m->step[m->steps++] = (uint32_t)m->nth;
        if (!keep(m, &v, text, t->n, m->tok->end - t->at))
            return refuse(m, i);
        if (m->step[m->steps - 1] == m->nth) { /* a rest of line that is too long */
            m->steps--;
            return refuse(m, i);
        }
        if (m->th[m->nth - 1].half == H_REST)
            break; /* it takes all that follows */
    }
    if (m->steps && m->th[m->nth - 1].half == H_REST) {
        m->ncand = 0;
        return LINE_OK;
    }
    return next_candidates(m) ? LINE_OK : LINE_INVALID;
}

bool match_end(const struct matcher *m, uint32_t *thread, bool *negate)
{
    bool found = false, found_whole = false;
    uint16_t best_form = G_NONE;
    for (uint32_t i = m->steps ? m->step[m->steps - 1] : 0; m->steps && i < m->nth; i++) {
        const struct g_pos *p = &g_positions[m->th[i].pos];
        const struct g_form *f = &g_forms[p->form];
        bool neg = match_negates(m, f), whole = p->flags & GP_ACCEPT;
        bool may = neg && g_entries[f->entry].kind != G_EXEC ? (p->flags & GP_NO) : whole;
        if (!may || m->th[i].half == H_FIRST)
            continue;
        /* After `no`, a form that is complete says more exactly what is meant; and where an entry
         * has a form for either wish, each is a wish and takes nothing away. */
        if (found && (whole < found_whole ||
                      (whole == found_whole && (neg != *negate ? neg : p->form >= best_form))))
            continue;
        found = true;
        found_whole = whole;
        best_form = p->form;
        *thread = i;
        *negate = neg;
    }
    return found;
}
