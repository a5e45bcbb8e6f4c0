/*
 * snippet.h: the names that snippets in headers and guides use without declaring them.
 */
#ifndef CT_TEST_SNIPPET_H
#define CT_TEST_SNIPPET_H

#define SNIPPET_NAMES                                                                                                      \
    ct_tensor *x = NULL, *y = NULL, *a = NULL, *b = NULL, *w = NULL, *t = NULL, *loss = NULL, *image = NULL, *target = NULL, *logits = NULL; \
    ct_tensor *indices = NULL, *values = NULL, *rows = NULL, *idf = NULL, *weight = NULL, *bias = NULL;                                  \
    ct_module *net = NULL;                                                                                                 \
    ct_optim *opt = NULL;                                                                                                  \
    ct_loader *loader = NULL;                                                                                              \
    ct_dataset *train = NULL, *test = NULL, *data = NULL;                                                                  \
    ct_batch batch = {0};                                                                                                  \
    ct_dict *d = NULL, *dict = NULL;                                                                                       \
    ct_generator *g = NULL;                                                                                                \
    bool resume = false;                                                                                                   \
    int64_t step = 0;                                                                                                      \
    int epochs = 1;

#endif
