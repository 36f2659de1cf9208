/*
 * line_parse: from a text and a place to an entry with its arguments. See line.h.
 */
#include "parser/line.h"

#include "parser/node.h"
#include "parser/parse.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(LINE_MAX_ASA / 2 + 1 < MATCH_TOKENS, "a line has too many tokens");

/* --- the place ----------------------------------------------------------------------------- */

void line_place_init(struct line_place *p, bool asa, unsigned privilege, struct cfg_tree *tree)
{
    memset(p, 0, sizeof(*p));
    p->asa = asa;
    p->privilege = privilege;
    for (unsigned i = 0; i < 2; i++) {
        p->stack[i].mode = i ? G_MODE_CONFIG : G_MODE_EXEC;
        p->stack[i].node = tree->root;
        p->stack[i].id = node_of(tree->root)->id;
    }
}

void line_place_check(struct line_place *p, const struct cfg_tree *tree)
{
    for (unsigned i = 2; i <= p->depth; i++) {
        const struct node *n = node_by_id(tree_of(tree), p->stack[i].id);
        if (!n || &n->pub != p->stack[i].node) {
            p->depth = i - 1;
            return;
        }
    }
}

void line_prompt(const struct line_place *p, const char *hostname, struct str *out)
{
    /* IOS shows at most 20 characters of the name in configuration prompts. */
    size_t n = strlen(hostname);
    if (!p->asa && p->depth && n > 20)
        n = 20;
    str_addn(out, hostname, n);
    if (p->depth)
        str_add(out, g_modes[p->stack[p->depth].mode].prompt);
    str_addc(out, p->depth || p->privilege > 1 ? '#' : '>');
    if (p->asa)
        str_addc(out, ' ');
}

/* --- words of every configuration mode ------------------------------------------------------ */

const struct builtin_word line_builtins[] = {
    {"default", B_DEFAULT, G_BOTH, "Set a command to its defaults"},
    {"do", B_DO, G_IOS, "To run exec commands in config mode"},
    {"end", B_END, G_BOTH, "Exit from configure mode"},
    {"exit", B_EXIT, G_BOTH, NULL},
    {"help", B_HELP, G_BOTH, "Description of the interactive help system"},
    {"no", B_NO, G_BOTH, "Negate a command or set its defaults"},
};
const unsigned line_nbuiltins = sizeof(line_builtins) / sizeof(line_builtins[0]);

static bool among_add(struct str *s, const char *text)
{
    if (s->len)
        str_addc(s, ' ');
    str_add(s, text);
    return true;
}

/* The keywords of an enumeration that a form may begin with: has the first token one of them? */
static bool enum_takes(const struct g_arg *a, const struct tokens *tok, bool *exact,
                       struct str *among)
{
    const struct g_enum *e = value_keywords(a);
    bool takes = false;
    for (uint16_t i = 0; e && i < e->count; i++) {
        const char *word = g_words[e->first + i].text;
        enum kw_match k = kw_match(word, tok->text + tok->t[0].at, tok->t[0].n);
        *exact = *exact || k == KW_EXACT;
        if (k != KW_NO)
            takes = among_add(among, word);
    }
    return takes;
}

/* What the mode's own grammar makes of the first token. */
static bool mode_takes(const struct line_place *p, const struct tokens *tok, const char *builtin,
                       bool *exact, struct str *among)
{
    struct matcher m;
    bool takes = false;
    *exact = false;
    match_init(&m, tok, p->stack[p->depth].mode, p->asa, p->privilege, false);
    enum line_status s = match_run(&m, 1);
    if (s == LINE_AMBIGUOUS) {
        takes = true;
        (void)among_add(among, str_text(&m.among));
    }
    for (uint32_t i = 0; s == LINE_OK && i < m.nth && m.step[m.steps - 1] <= i; i++) {
        const struct g_pos *g = &g_positions[m.th[i].pos];
        const struct token *t = &tok->t[0];
        if (!g->word) {
            if (!takes && g->arg != G_NONE)
                takes = enum_takes(&g_args[g->arg], tok, exact, among);
            continue;
        }
        if (strcmp(g->word, builtin) == 0)
            continue;
        *exact = *exact || kw_match(g->word, tok->text + t->at, t->n) == KW_EXACT;
        if (!takes)
            (void)among_add(among, g->word);
        takes = true;
    }
    match_free(&m);
    return takes;
}

enum builtin builtin_find(const struct line_place *p, const struct tokens *tok, struct str *among)
{
    const char *t = tok->text + tok->t[0].at;
    const struct builtin_word *hit = NULL;
    unsigned hits = 0;
    bool exact;
    for (unsigned i = 0; i < line_nbuiltins; i++) {
        const struct builtin_word *b = &line_builtins[i];
        enum kw_match k = kw_match(b->text, t, tok->t[0].n);
        if (k == KW_EXACT) /* the ASA takes `do` too, though it neither needs nor lists it */
            return b->what;
        if (!(b->dialect & (p->asa ? G_ASA : G_IOS)) || k == KW_NO)
            continue;
        hit = b;
        hits += among_add(among, b->text);
    }
    if (!hit)
        return B_NONE;
    bool taken = mode_takes(p, tok, hit->text, &exact, among);
    if (exact)
        return B_NONE;
    return taken || hits > 1 ? B_AMBIGUOUS : hit->what;
}

/* --- values of a match ----------------------------------------------------------------------- */

/* The text that a thread took, in step (and token) i. */
static void thread_text(const struct tokens *tok, const struct thread *th, unsigned i,
                        const char **t, size_t *n)
{
    size_t from = tok->t[i].at, to = from + tok->t[i].n;
    if (th->half == H_SECOND && i > 0)
        from = tok->t[i - 1].at;
    if (th->half == H_REST)
        to = tok->end;
    *t = tok->text + from;
    *n = to - from;
}

static int add_item(struct line_match *k, const struct value *v, unsigned most)
{
    if (!k->item)
        k->item = arena_array(&k->mem, struct value, most);
    if (!k->item)
        return -1;
    k->item[k->nitem++] = *v;
    return 0;
}

static int take_value(struct line_result *r, const struct g_pos *p, const char *t, size_t n,
                      unsigned most)
{
    struct line_match *k = r->match;
    const struct g_arg *a = &g_args[p->arg];
    char buf[VALUE_TEXT];
    struct value v;
    size_t from, len;
    if (value_read(a, t, n, &v, buf) != 0)
        return -1;
    if (a->type == GT_TEXT && text_span(t, n, &from, &len, r->until))
        r->until[0] = '\0';
    if (v.str && !(v.str = arena_strdup(&k->mem, buf)))
        return -1;
    mem_wipe(buf, sizeof(buf));
    if (!(p->flags & GP_OWN)) {
        if (k->nkey == LINE_KEYS)
            return -1;
        k->key[k->nkey].arg = p->arg;
        k->key[k->nkey++].v = v;
        return 0;
    }
    if (p->flags & GP_PLUS) {
        k->plus = p->arg;
        if (add_item(k, &v, most) != 0)
            return -1;
        if (k->nitem > 1)
            return 0;
    }
    field_store(a, r->args, &v);
    return 0;
}

static int fill(struct line_result *r, const struct matcher *m, uint32_t thread)
{
    uint32_t way[MATCH_TOKENS];
    struct line_match *k = calloc(1, sizeof(*k));
    if (!k)
        return -1;
    r->match = k;
    k->plus = G_NONE;
    k->whole = g_positions[m->th[thread].pos].flags & GP_ACCEPT;
    for (unsigned i = m->steps; i-- > 0;) {
        way[i] = thread;
        thread = m->th[thread].from;
    }
    for (unsigned i = 0; i < m->steps; i++) {
        const struct thread *th = &m->th[way[i]];
        const struct g_pos *p = &g_positions[th->pos];
        const char *t = m->tok->text + m->tok->t[i].at;
        size_t n = m->tok->t[i].n;
        if (i == 0)
            r->abbreviated = p->word && kw_match(p->word, t, n) != KW_EXACT;
        if (p->arg == G_NONE || th->half == H_FIRST)
            continue;
        thread_text(m->tok, th, i, &t, &n);
        if (take_value(r, p, t, n, m->steps) != 0)
            return -1;
    }
    return 0;
}

/* --- one mode -------------------------------------------------------------------------------- */

/* `no` and `default` are taken off a line, or are a word of a form like any other; then they
 * are spelt out, for "no" is no abbreviation of a word that begins so. */
enum first_word { PLAIN, NO_TAKEN, NO_IS_WORD };

/* Tries the tokens in a mode. Returns how many were understood; on success r is filled. */
static unsigned try_mode(const struct line_place *p, uint16_t mode, const struct tokens *tok,
                         enum first_word first, unsigned spelt_out, struct line_result *r)
{
    struct matcher m;
    uint32_t thread;
    unsigned reach;
    match_init(&m, tok, mode, p->asa, p->privilege, first == NO_TAKEN);
    m.spelt_out = spelt_out + (first == NO_IS_WORD);
    r->status = match_run(&m, tok->n);
    reach = r->status == LINE_OK ? tok->n : m.bad;
    if (r->status == LINE_AMBIGUOUS)
        (void)str_copy(r->among, sizeof(r->among), str_text(&m.among));
    if (r->status != LINE_OK) {
        r->column = (unsigned)m.column;
    } else if (!match_end(&m, &thread, &r->negate)) {
        r->status = LINE_INCOMPLETE;
    } else {
        const struct g_form *f = &g_forms[g_positions[m.th[thread].pos].form];
        r->form = (uint16_t)(f - g_forms);
        r->entry = f->entry;
        r->enter = r->negate ? G_MODE_NONE : f->enter;
        if (fill(r, &m, thread) != 0) {
            line_result_free(r);
            r->status = LINE_INVALID;
        }
    }
    match_free(&m);
    return reach;
}

static void parse_exec(const struct line_place *p, const struct tokens *all, enum first_word first,
                       struct line_result *r, unsigned *reach)
{
    struct tokens tok = *all;
    unsigned pipe = pipe_token(all);
    if (pipe < all->n) {
        tok.n = pipe;
        tok.end = pipe ? (size_t)tok.t[pipe - 1].at + tok.t[pipe - 1].n : 0;
    }
    *reach = try_mode(p, G_MODE_EXEC, &tok, first, 0, r);
    if (r->status != LINE_OK || pipe == all->n)
        return;
    if (g_entries[r->entry].flags & GE_PIPE) {
        pipe_parse(all, pipe, p->asa, r);
    } else {
        r->status = LINE_INVALID;
        r->column = all->t[pipe].at;
    }
}

/* Keeps the better of two results; the loser is freed. */
static void replace(struct line_result *r, struct line_result *by)
{
    line_result_free(r);
    *r = *by;
    by->match = NULL;
}

struct attempt {
    const struct line_place *p;
    const struct tokens *all; /* the line */
    const struct tokens *tok; /* without `no` or `default` */
    bool no;
    unsigned spelt_out; /* so many words are no abbreviations */
    struct line_result *r;
    unsigned reach;
};

/* One mode, with and without `no` taken as a word of its own. */
static bool attempt_mode(struct attempt *a, unsigned level)
{
    struct line_result *one = calloc(1, sizeof(*one));
    uint16_t mode = a->p->stack[level].mode;
    bool current = level == a->p->depth, stop = false;
    if (!one)
        return true;
    for (unsigned literal = 0; literal <= (unsigned)a->no && !stop; literal++) {
        memset(one, 0, sizeof(*one));
        enum first_word first = literal ? NO_IS_WORD : a->no ? NO_TAKEN : PLAIN;
        unsigned reach = try_mode(a->p, mode, literal ? a->all : a->tok, first, a->spelt_out, one);
        if (one->status == LINE_OK) {
            bool exec = g_entries[one->entry].kind == G_EXEC;
            one->pop = exec ? 0 : a->p->depth - level;
            replace(a->r, one);
            stop = true;
        } else if (current && (!literal || reach > a->reach + 1)) {
            replace(a->r, one);
            a->reach = literal ? reach - 1 : reach;
            /* An abbreviation that is ambiguous here means nothing further out. */
            stop = a->r->status == LINE_AMBIGUOUS;
        }
        line_result_free(one);
    }
    free(one);
    return stop;
}

/* The ASA takes EXEC commands in configuration; their error is reported when they were
 * understood further than the mode's own grammar. */
static void attempt_exec(struct attempt *a)
{
    struct line_result *one = calloc(1, sizeof(*one));
    unsigned reach, skipped = a->no ? 1 : 0;
    if (!one)
        return;
    parse_exec(a->p, a->all, a->no ? NO_IS_WORD : PLAIN, one, &reach);
    if (one->status == LINE_OK || reach > a->reach + skipped)
        replace(a->r, one);
    else if (reach == a->reach + skipped && one->status == LINE_INVALID &&
             a->r->status == LINE_INVALID && one->column > a->r->column)
        a->r->column = one->column;
    line_result_free(one);
    free(one);
}

static void parse_config(const struct line_place *p, const struct tokens *all,
                         const struct tokens *tok, bool no, struct line_result *r)
{
    struct attempt a = {.p = p, .all = all, .tok = tok, .no = no, .r = r};
    unsigned level = p->depth;
    while (level > 0 && !attempt_mode(&a, level))
        level--;
    /* A word that is spelt out further out means more than an abbreviation here: `key 2` behind
     * another key of its chain is the next key, and no `key-string`; `ip route` behind services of
     * a group is none of the ICMP messages that begin so. */
    a.spelt_out = r->status == LINE_AMBIGUOUS ? a.reach + 1 : 1;
    if (level && (r->status == LINE_AMBIGUOUS || (r->status == LINE_OK && r->abbreviated)))
        while (--level > 0 && !attempt_mode(&a, level))
            ;
    else if (!level && p->asa)
        attempt_exec(&a);
}

/* --- the line -------------------------------------------------------------------------------- */

static void drop_first(struct tokens *to, const struct tokens *from)
{
    *to = *from;
    to->n--;
    memmove(&to->t[0], &to->t[1], to->n * sizeof(to->t[0]));
}

static void parse_leave(const struct line_place *p, const struct tokens *tok, bool end,
                        struct line_result *r)
{
    if (tok->n > 1) {
        r->status = LINE_INVALID;
        r->column = tok->t[1].at;
        return;
    }
    r->status = LINE_OK;
    r->pop = end ? p->depth : 1;
}

/* The first word may have gone on to one that belongs to every mode. */
static unsigned builtin_column(const struct line_place *p, const struct tokens *tok,
                               unsigned column)
{
    for (unsigned i = 0; i < line_nbuiltins; i++) {
        const struct builtin_word *b = &line_builtins[i];
        if (!(b->dialect & (p->asa ? G_ASA : G_IOS)))
            continue;
        size_t k = tok->t[0].at + kw_common(b->text, tok->text + tok->t[0].at, tok->t[0].n);
        column = k > column ? (unsigned)k : column;
    }
    return column;
}

static void parse_line(const struct line_place *p, const struct tokens *tok, struct line_result *r)
{
    struct str among = {0};
    struct tokens rest;
    unsigned reach;
    rest.n = 0;
    enum builtin b = p->depth ? builtin_find(p, tok, &among) : B_NONE;
    if (b == B_NO || b == B_DEFAULT || b == B_DO) {
        drop_first(&rest, tok);
        r->status = LINE_INCOMPLETE;
    }
    if (p->depth == 0 || b == B_HELP) { /* `help` is one command, wherever it is typed */
        parse_exec(p, tok, PLAIN, r, &reach);
    } else if (b == B_AMBIGUOUS) {
        r->status = LINE_AMBIGUOUS;
        r->column = tok->t[0].at;
        (void)str_copy(r->among, sizeof(r->among), str_text(&among));
    } else if (b == B_EXIT || b == B_END) {
        parse_leave(p, tok, b == B_END, r);
    } else if (b == B_NONE) {
        parse_config(p, tok, tok, false, r);
        if (r->status == LINE_INVALID)
            r->column = builtin_column(p, tok, r->column);
    } else if (rest.n && b == B_DO) {
        parse_exec(p, &rest, PLAIN, r, &reach);
    } else if (rest.n) {
        parse_config(p, tok, &rest, true, r);
        r->to_default = b == B_DEFAULT;
    }
    str_free(&among);
}

bool line_is_comment(bool asa, const char *text)
{
    text += strspn(text, " \t\r\n");
    if (*text == '\0' || *text == '!')
        return true;
    /* The last lines of a saved ASA configuration, so that it can be pasted back whole. */
    return asa && (*text == ':' || strncmp(text, "Cryptochecksum:", 15) == 0);
}

void line_blanks(char *text)
{
    static const char nbsp[] = "\xc2\xa0";
    char *to = text;
    for (const char *p = text; *p; p++) {
        bool found = strncmp(p, nbsp, 2) == 0;
        *to++ = found ? ' ' : *p;
        p += found;
    }
    *to = '\0';
}

void line_parse_text(const struct line_place *p, const char *text, size_t end,
                     struct line_result *r)
{
    struct tokens tok;
    size_t n = strcspn(text, "\r\n");
    memset(r, 0, sizeof(*r));
    if (line_is_comment(p->asa, text)) {
        r->status = LINE_EMPTY;
        return;
    }
    if (n > (p->asa ? LINE_MAX_ASA : LINE_MAX_IOS) || tokens_split(&tok, text, 0, n) != 0) {
        r->status = LINE_TOO_LONG;
        return;
    }
    if (tok.n == 0) { /* a line ends at its first carriage return */
        r->status = LINE_EMPTY;
        return;
    }
    if (end > n)
        tok.end = end;
    parse_line(p, &tok, r);
    if (r->status == LINE_OK && r->until[0])
        r->status = LINE_OPEN;
}

void line_parse(const struct line_place *p, const struct cfg_tree *tree, const char *text,
                struct line_result *r)
{
    (void)tree;
    line_parse_text(p, text, 0, r);
}

void line_result_free(struct line_result *r)
{
    if (r->match) {
        arena_free(&r->match->mem); /* wipes */
        mem_wipe(r->match, sizeof(*r->match));
        free(r->match);
        r->match = NULL;
    }
    mem_wipe(r->args, sizeof(r->args));
}

bool line_reads_as(const struct g_form *f, bool asa, const char *text, const void *args)
{
    const struct line_place anyone = {.asa = asa, .privilege = 15};
    struct line_result *r = calloc(1, sizeof(*r));
    struct tokens tok, rest;
    bool same = false, no = f->flags & GF_INVERTED;
    if (r && tokens_split(&tok, text, 0, strlen(text)) == 0 && tok.n > no) {
        if (no)
            drop_first(&rest, &tok);
        (void)try_mode(&anyone, f->mode, no ? &rest : &tok, no ? NO_TAKEN : PLAIN, false, r);
        same = r->status == LINE_OK && r->entry == f->entry && !r->negate &&
               args_equal(f->entry, g_entries[f->entry].size ? r->args : NULL, args);
    }
    if (r)
        line_result_free(r);
    free(r);
    return same;
}

/* --- about entries --------------------------------------------------------------------------- */

bool line_has_secret(uint16_t entry)
{
    if (entry >= g_nentries)
        return false;
    for (uint16_t i = 0; i < g_entries[entry].narg; i++)
        if (g_args[g_entries[entry].arg + i].flags & GA_SECRET)
            return true;
    return false;
}

bool line_is_exec(uint16_t entry)
{
    return entry < g_nentries && g_entries[entry].kind == G_EXEC;
}

unsigned line_priv(uint16_t entry)
{
    return entry < g_nentries ? g_entries[entry].priv : 15;
}

bool line_accepted_only(const struct line_result *r)
{
    if (r->entry >= g_nentries)
        return false;
    const struct g_entry *e = &g_entries[r->entry];
    for (uint16_t i = 0; e->size && i < e->narg; i++)
        if (g_args[e->arg + i].flags & GA_ACCEPTED && field_present(&g_args[e->arg + i], r->args))
            return true;
    return e->flags & GE_ACCEPTED;
}

const char *line_entry_name(uint16_t entry)
{
    return entry < g_nentries ? g_entries[entry].name : "";
}
