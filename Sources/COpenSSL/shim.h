#pragma once
// First, so that the C library's feature macros are the same as in Swift's Glibc module.
#include <features.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

// OPENSSL_free is a macro that names file and line.
static inline void sluice_openssl_free(void *memory) {
  OPENSSL_free(memory);
}

// Whether an error only says that no further PEM block begins; what tells its parts apart is made of macros and casts.
static inline int sluice_is_end_of_pem(unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}
