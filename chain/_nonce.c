/* The search for the nonce, compiled: the same as `search_in_python` in mining.py, which is the reference.

   It is optional. Where it was not built, or the variable PAXSIM_PURE is set, importing it fails and mining.py searches
   in Python. SHA-256 (FIPS 180-4) is written here, so that nothing has to be linked; on x86 processors that have
   instructions for it these are used. The whole blocks of the hashed text are hashed once. Each try hashes what is left
   of it, the nonce's digits and the padding: one block, or two when they do not fit. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(PAXSIM_PORTABLE) && (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define HAS_X86 1
#include <cpuid.h>
#include <immintrin.h>
#endif

#define BLOCK 64
#define MAX_ZEROS 64
#define TRIES_A_TURN (1 << 16) /* Then signals are looked at, so that Ctrl-C ends a long search. */

static const uint32_t FIRST_STATE[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* One block of SHA-256, in two forms. `compress` is the one for this processor. */

static inline uint32_t rotated(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static void
compress_portable(uint32_t state[8], const uint8_t block[BLOCK])
{
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8
               | (uint32_t)block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t low = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t high = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + low + w[i - 7] + high;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t high = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
        uint32_t first = h + high + ((e & f) ^ (~e & g)) + K[i] + w[i];
        uint32_t low = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
        uint32_t second = low + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void (*compress)(uint32_t state[8], const uint8_t block[BLOCK]) = compress_portable;

#ifdef HAS_X86
/* The instructions keep the state as the words A, B, E, F and C, D, G, H, and do two rounds each. */
__attribute__((target("sha,sse4.1"))) static void
compress_x86(uint32_t state[8], const uint8_t block[BLOCK])
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        if (i < 4) {
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), big_endian);
        } else {
            __m128i next = _mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
            w[i % 4] = _mm_sha256msg2_epu32(next, w[(i + 3) % 4]);
        }
        __m128i sum = _mm_add_epi32(w[i % 4], _mm_loadu_si128((const __m128i *)(K + 4 * i)));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
    }
    __m128i feba = _mm_shuffle_epi32(_mm_add_epi32(abef, abef_before), 0x1B);
    __m128i dchg = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh_before), 0xB1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static int
has_sha_instructions(void)
{
    unsigned a, b, c, d;
    int has_sse41 = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && (c & bit_SSSE3);
    return has_sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}
#endif

/* The search. `state` is that of the whole blocks of the text. `block` begins with the `rest` bytes behind them, which
   the `digits` of the nonce and the padding follow. */

typedef struct {
    uint32_t state[8];
    uint8_t block[2 * BLOCK];
    uint64_t length; /* Of the text without the nonce, in bytes. */
    int rest;
    int digits;
    int blocks; /* 1 or 2. */
    uint64_t nonce;
} Search;

/* Write the padding behind the nonce: a bit, zeros, and the length in bits. */
static void
pad(Search *search)
{
    int end = search->rest + search->digits;
    search->blocks = end + 9 <= BLOCK ? 1 : 2;
    memset(search->block + end, 0, sizeof search->block - (size_t)end);
    search->block[end] = 0x80;
    uint64_t bits = 8 * (search->length + (uint64_t)search->digits);
    uint8_t *last = search->block + BLOCK * search->blocks - 1;
    for (int i = 0; i < 8; i++, bits >>= 8)
        last[-i] = (uint8_t)bits;
}

static void
begin(Search *search, const uint8_t *text, uint64_t length, uint64_t first)
{
    uint64_t whole = length / BLOCK * BLOCK;
    memcpy(search->state, FIRST_STATE, sizeof FIRST_STATE);
    for (uint64_t at = 0; at < whole; at += BLOCK)
        compress(search->state, text + at);
    search->length = length;
    search->rest = (int)(length - whole);
    memcpy(search->block, text + whole, (size_t)search->rest);
    search->nonce = first;
    search->digits = 1;
    for (uint64_t left = first / 10; left > 0; left /= 10)
        search->digits++;
    uint8_t *last = search->block + search->rest + search->digits - 1;
    for (int i = 0; i < search->digits; i++, first /= 10)
        last[-i] = (uint8_t)('0' + first % 10);
    pad(search);
}

/* Add one to the nonce and to its digits. */
static void
advance(Search *search)
{
    uint8_t *first = search->block + search->rest, *digit = first + search->digits - 1;
    search->nonce++;
    while (digit >= first && *digit == '9')
        *digit-- = '0';
    if (digit >= first) {
        ++*digit;
    } else { /* All were nines. */
        *first = '1';
        first[search->digits++] = '0';
        pad(search);
    }
}

static int
passes(const uint32_t hash[8], int zeros)
{
    for (; zeros >= 8; zeros -= 8)
        if (*hash++ != 0)
            return 0;
    return zeros == 0 || *hash >> (32 - 4 * zeros) == 0;
}

/* Try up to `tries` nonces; true when one passes, whose hash is then in `hash`. */
static int
try_many(Search *search, int zeros, int tries, uint32_t hash[8])
{
    for (;; advance(search)) {
        memcpy(hash, search->state, sizeof search->state);
        compress(hash, search->block);
        if (search->blocks == 2)
            compress(hash, search->block + BLOCK);
        if (passes(hash, zeros))
            return 1;
        if (--tries == 0) {
            advance(search);
            return 0;
        }
    }
}

PyDoc_STRVAR(search_doc, "search(hashed, zeros, first=0, /)\n--\n\nSee `search_in_python` in chain/mining.py.");

static PyObject *
search(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer text;
    int zeros, found = 0;
    long long first = 0;
    if (!PyArg_ParseTuple(args, "y*i|L:search", &text, &zeros, &first))
        return NULL;
    if (zeros < 0 || zeros > MAX_ZEROS || first < 0) {
        PyBuffer_Release(&text);
        PyErr_SetString(PyExc_ValueError, "zeros are 0 to 64, and a nonce is not below 0");
        return NULL;
    }
    Search state;
    uint32_t hash[8];
    Py_BEGIN_ALLOW_THREADS
    begin(&state, text.buf, (uint64_t)text.len, (uint64_t)first);
    found = try_many(&state, zeros, TRIES_A_TURN, hash);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&text);
    while (!found) {
        if (PyErr_CheckSignals() < 0)
            return NULL;
        Py_BEGIN_ALLOW_THREADS
        found = try_many(&state, zeros, TRIES_A_TURN, hash);
        Py_END_ALLOW_THREADS
    }
    char hex[2 * 32 + 1];
    for (int i = 0; i < 8; i++)
        PyOS_snprintf(hex + 8 * i, 9, "%08x", (unsigned)hash[i]);
    return Py_BuildValue("Ks#", (unsigned long long)state.nonce, hex, (Py_ssize_t)64);
}

static PyMethodDef methods[] = {
    {"search", search, METH_VARARGS, search_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "chain._nonce",
    .m_doc = "The search for the nonce in C; `FORM` says which instructions it uses.",
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__nonce(void)
{
    const char *pure = getenv("PAXSIM_PURE");
    if (pure != NULL && *pure != '\0' && strcmp(pure, "0") != 0) {
        PyErr_SetString(PyExc_ImportError, "PAXSIM_PURE is set");
        return NULL;
    }
    const char *form = "C";
#ifdef HAS_X86
    if (has_sha_instructions()) {
        compress = compress_x86;
        form = "C with SHA instructions";
    }
#endif
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddStringConstant(module, "FORM", form) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
