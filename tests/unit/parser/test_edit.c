/* What lines do to the tree, by kind; hooks, refusals, parents, the undo journal. */
#include "tests/unit/parser/support.h"

#include <stdio.h>
#include <string.h>

#define PORT(lines) "port Ethernet0/0\n" lines "!\n"

static void test_leaf_and_flag(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "name one\nname two\nclock 1:00 UTC\nclock 2:00");
    assert_prints(&b, "name two\nclock 02:00:00\n");
    box_paste(&b, "no name");
    assert_prints(&b, "clock 02:00:00\n");
    box_free(&b);
    box_init(&b, true);
    box_paste(&b, "name two\nclock 2:00\nno name whatever\nno clock");
    assert_prints(&b, "");
    box_paste(&b, "port e0/0\ndown\ndown");
    assert_prints(&b, PORT(" down\n no address\n level 50\n"));
    box_paste(&b, "no down\nno down");
    assert_prints(&b, PORT(" no address\n level 50\n"));
    box_free(&b);
}

static void test_defaults(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "port e0/0\nlevel 70\nspeed 10");
    assert_prints(&b, PORT(" no address\n level 70\n speed 10\n"));
    box_paste(&b, "level 50\nspeed auto");
    assert_null(cfg_first(b.place.stack[2].node, E_LEVEL));
    assert_prints(&b, PORT(" no address\n level 50\n"));
    assert_string_equal(box_show(&b, PRINT_ALL), PORT(" no address\n level 50\n speed auto\n"));
    box_paste(&b, "level 1\ndefault level");
    assert_prints(&b, PORT(" no address\n level 50\n"));
    box_free(&b);
}

static void test_inverted(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "no domain lookup");
    assert_int_equal(cfg_count(b.tree->root, E_NO_LOOKUP), 1);
    assert_prints(&b, "no domain lookup\n");
    box_paste(&b, "domain lookup");
    assert_prints(&b, "");
    box_paste(&b, "no domain lookup\ndefault domain lookup");
    box_free(&b);
}

static void test_fixed_object(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "port e0/0\nabout x\nlevel 7\nno port e0/0");
    assert_prints(&b, PORT(" no address\n level 50\n"));
    box_paste(&b, "port e0/0\nabout y\ndefault port e0/0");
    assert_prints(&b, PORT(" no address\n level 50\n"));
    box_free(&b);
}

static void test_flat_and_submode_are_one(void **state)
{
    (void)state;
    struct box ios, asa;
    box_init(&ios, false);
    box_init(&asa, true);
    box_paste(&ios,
              "map M 20\npeer 2.2.2.2\nmap M 10\npeer 1.1.1.1\npeer 1.1.1.2\nlife seconds 60\n"
              "key a b\nmap M on e0/0");
    box_paste(&asa, "map M 20 peer 2.2.2.2\nmap M 10 peer 1.1.1.1 1.1.1.2\n"
                    "map M 10 life seconds 60\nmap M 10 key a b\nmap M on e0/0");
    assert_true(cfg_tree_equal(ios.tree, asa.tree));
    assert_prints(&asa, "map M 10 peer 1.1.1.1 1.1.1.2 \nmap M 10 life seconds 60\n"
                        "map M 10 key a b\nmap M 20 peer 2.2.2.2 \nmap M on e0/0\n");
    assert_prints(&ios, "map M 10\n peer 1.1.1.1\n peer 1.1.1.2\n life seconds 60\n key a b\n"
                        "map M 20\n peer 2.2.2.2\nmap M on e0/0\n");
    box_free(&ios);
    box_free(&asa);
}

/* The mode tells in whose block a line goes. */
static void test_several_parents(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    box_paste(&b, "club A\nmember x\nmember y\nship S\nmember x\nboat b\nmember z\nno member x");
    assert_prints(&b, "club A\n member x\n member y\nship S\n   member z\n   boat b\n");
    assert_says(&b, "club A", "");
    assert_says(&b, "no member z", ""); /* the ship's */
    assert_prints(&b, "club A\n member x\n member y\nship S\n   member z\n   boat b\n");
    box_free(&b);
}

static void test_lists(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "map M 1 peer 1.1.1.1 2.2.2.2\nmap M 1 peer 3.3.3.3 1.1.1.1");
    assert_prints(&b, "map M 1 peer 1.1.1.1 2.2.2.2 3.3.3.3 \n");
    box_paste(&b, "no map M 1 peer 2.2.2.2");
    assert_prints(&b, "map M 1 peer 1.1.1.1 3.3.3.3 \n");
    box_paste(&b, "no map M 1 peer 1.1.1.1 3.3.3.3");
    assert_prints(&b, "");
    assert_null(b.tree->root->first); /* implied parents went with it */
    box_paste(&b, "map M 1 use 10 100\nmap M 1 use 1000 10");
    assert_prints(&b, "map M 1 use 1000 10\n");
    box_paste(&b, "no map M 1");
    assert_prints(&b, "");
    /* Nothing there to remove: no error, nothing made. */
    box_paste(&b, "no map M 1 peer 9.9.9.9\nno map X 3");
    assert_null(b.tree->root->first);
    assert_says(&b, "no map M 1 peer", "ERROR: % Incomplete command\n");
    box_free(&b);
}

static void test_insert_at(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "list L permit tcp any eq 80\nlist L permit udp host 1.1.1.1\n"
                  "list L at 1 permit icmp any\nlist L at 3 permit esp any\n"
                  "list L at 99 permit ip any from 10.0.0.0 0.0.0.255 log");
    assert_prints(&b, "list L permit icmp any\nlist L permit tcp any eq www\n"
                      "list L permit esp any\nlist L permit udp host 1.1.1.1\n"
                      "list L permit ip any from 10.0.0.0 0.0.0.255 log\n");
    /* The same rule again changes nothing, wherever it is wanted. */
    box_paste(&b, "list L at 1 permit esp any");
    /* A rule goes only when all of it is given. */
    box_paste(&b, "no list L permit tcp any\nno list L permit tcp any eq 81");
    assert_int_equal(cfg_count(cfg_first(b.tree->root, E_LIST), E_RULE), 5);
    box_paste(&b, "no list L permit tcp any eq www\nno list L permit ip any from 10.0.0.0 "
                  "0.0.0.255 log");
    assert_prints(&b, "list L permit icmp any\nlist L permit esp any\n"
                      "list L permit udp host 1.1.1.1\n");
    box_paste(&b, "no list L");
    assert_prints(&b, "");
    box_free(&b);
}

static void test_numbered(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "list L step do aside\nlist L step 20 do b\nlist L step 10 do a\n"
                  "list L step 30 do d\nlist L step 25 do c\nlist L step do last");
    /* The number orders and is not printed; what has none stays where it was put. */
    assert_prints(&b, "list L step do a\nlist L step do aside\nlist L step do b\n"
                      "list L step do c\nlist L step do d\nlist L step do last\n");
    /* Equal but for the number: the same item, which keeps its own. */
    box_paste(&b, "list L step 5 do d");
    assert_int_equal(cfg_count(cfg_first(b.tree->root, E_LIST), E_STEP), 6);
    box_paste(&b, "no list L step 25\nno list L step do a\nno list L step 5");
    assert_prints(&b, "list L step do aside\nlist L step do b\nlist L step do d\n"
                      "list L step do last\n");
    box_free(&b);
}

static void test_repeats(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "note a\nnote b\nnote a\nnote c");
    assert_prints(&b, "note a\nnote b\nnote a\nnote c\n");
    box_paste(&b, "no note a");
    assert_prints(&b, "note b\nnote a\nnote c\n");
    box_paste(&b, "no note a\nno note a");
    assert_prints(&b, "note b\nnote c\n");
    box_free(&b);
}

static void test_hooks(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    memset(&hook_log, 0, sizeof(hook_log));
    assert_says(&b, "name odd", "WARNING: odd is odd\n");
    assert_true(hook_log.created);
    uint64_t serial = b.tree->root->serial;
    assert_says(&b, "name wrong", "ERROR: wrong is no name\n");
    assert_false(hook_log.created);
    assert_prints(&b, "name odd\n");
    assert_true(b.tree->root->serial >= serial);
    assert_says(&b, "no name", "");
    assert_true(hook_log.negate);
    assert_ptr_equal(hook_log.parent, b.tree->root);
    unsigned runs = hook_log.runs;
    assert_says(&b, "no name", ""); /* nothing went: no hook */
    assert_int_equal(hook_log.runs, runs);
    assert_says(&b, "name wrong", "ERROR: wrong is no name\n");
    assert_null(b.tree->root->first);
    box_free(&b);
}

/* A refused line leaves the place where it was. */
static void test_refusal_keeps_place(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "port e0/0");
    assert_says(&b, "name wrong", "ERROR: wrong is no name\n");
    assert_string_equal(box_prompt(&b), "box(config-port)# ");
    box_free(&b);
}

static void test_journal(void **state)
{
    (void)state;
    struct box b;
    struct txn t;
    box_init(&b, true);
    box_paste(&b, "port e0/1\nlevel 1\nport e0/0\nabout x\nmap M 1 peer 1.1.1.1 2.2.2.2 3.3.3.3\n"
                  "name n\nmap N 5 use 10");
    struct cfg_tree *before = cfg_tree_copy(b.tree);
    assert_true(cfg_tree_equal(before, b.tree));
    txn_begin(&t, b.tree, true);
    while (b.tree->root->first)
        assert_int_equal(txn_remove(&t, b.tree->root->first), 0);
    struct a_name name = {.has_name = true, .name = (char[]){"new"}};
    struct cfg_node *n = txn_set(&t, b.tree->root, E_NAME, &name);
    assert_non_null(n);
    assert_string_not_equal(CFG_ARGS(n, name)->name, "");
    assert_ptr_not_equal(CFG_ARGS(n, name)->name, name.name);
    name.name = (char[]){"newer"};
    assert_ptr_equal(txn_set(&t, b.tree->root, E_NAME, &name), n);
    assert_string_equal(CFG_ARGS(n, name)->name, "newer");
    assert_false(cfg_tree_equal(before, b.tree));
    txn_end(&t); /* not committed: all comes back */
    assert_true(cfg_tree_equal(before, b.tree));
    assert_int_equal(cfg_count(b.tree->root, E_PORT), 2);
    cfg_tree_free(before);
    box_free(&b);
}

/* What is changed and then removed, alone or with what is above it, goes once. */
static void test_changed_and_removed(void **state)
{
    (void)state;
    struct box b;
    struct txn t;
    struct a_name name = {.has_name = true, .name = (char[]){"one"}};
    struct a_life life = {.has_seconds = true, .seconds = 300};
    box_init(&b, true);
    box_paste(&b, "name zero\nmap M 1 life seconds 200");
    txn_begin(&t, b.tree, true);
    struct cfg_node *n = txn_set(&t, b.tree->root, E_NAME, &name);
    assert_int_equal(txn_remove(&t, n), 0);
    struct cfg_node *map = txn_node(&t, cfg_find_word(b.tree->root, E_MAP, "M"));
    assert_non_null(txn_set(&t, map->first, E_LIFE, &life));
    assert_int_equal(txn_remove(&t, map), 0);
    txn_commit(&t);
    txn_end(&t);
    assert_prints(&b, "");
    box_free(&b);
}

static void test_finding(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    box_paste(&b, "port e0/1\nport e0/0\nmap M 7 peer 1.1.1.1\nmap M 3 peer 2.2.2.2");
    const struct cfg_node *map = cfg_find_word(b.tree->root, E_MAP, "M");
    assert_non_null(map);
    assert_null(cfg_find_word(b.tree->root, E_MAP, "m")); /* names keep their case */
    const struct cfg_node *entry = cfg_find_number(map, E_ENTRY, 3);
    assert_non_null(entry);
    assert_null(cfg_find_number(map, E_ENTRY, 4));
    assert_ptr_equal(cfg_first(map, E_ENTRY), entry); /* sorted */
    unsigned n = 0;
    cfg_each(b.tree->root, E_PORT, p)
    {
        const struct a_port *a = CFG_ARGS(p, port);
        assert_string_equal(a->name, n++ ? "Ethernet0/1" : "Ethernet0/0");
    }
    assert_int_equal(n, 2);
    uint64_t other = cfg_find_number(map, E_ENTRY, 7)->serial, mine = entry->serial;
    box_paste(&b, "map M 3 life seconds 100");
    assert_true(entry->serial > mine && map->serial >= entry->serial);
    assert_int_equal(cfg_find_number(map, E_ENTRY, 7)->serial, other);
    box_free(&b);
}

static void test_ten_thousand(void **state)
{
    (void)state;
    struct box b;
    char line[128];
    box_init(&b, true);
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(line, sizeof(line), "list L permit ip host 10.1.%u.%u from any", i / 250,
                       i % 250);
        assert_says(&b, line, "");
    }
    const struct cfg_node *l = cfg_first(b.tree->root, E_LIST);
    assert_int_equal(cfg_count(l, E_RULE), 10000);
    box_paste(&b, "no list L permit ip host 10.1.39.249 from any\n"
                  "no list L permit ip host 10.1.0.0 from any");
    assert_int_equal(cfg_count(l, E_RULE), 9998);
    box_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaf_and_flag),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_inverted),
        cmocka_unit_test(test_fixed_object),
        cmocka_unit_test(test_flat_and_submode_are_one),
        cmocka_unit_test(test_several_parents),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_insert_at),
        cmocka_unit_test(test_numbered),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_refusal_keeps_place),
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_changed_and_removed),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_ten_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
