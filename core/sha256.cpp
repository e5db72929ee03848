#include "core/sha256.hpp"

#include <openssl/evp.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/error.hpp"

namespace hwnas {
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    require(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
  }

  void add(std::string_view bytes) {
    require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
  }

  std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    require(EVP_DigestFinal_ex(context_.get(), digest, &size));
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  static void require(bool done) {
    if (!done) throw error(ErrorCode::kInternal, "SHA-256: OpenSSL failed");
  }

  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

std::string sha256_of_file(const std::filesystem::path& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "rbe"),
                                                               std::fclose);
  if (!stream) {
    throw error(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kFailedPrecondition,
                "{}: cannot open: {}", file.string(), std::strerror(errno));
  }
  Sha256 hash;
  std::string chunk(64 * 1024, '\0');
  while (const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), stream.get())) {
    hash.add(std::string_view(chunk).substr(0, count));
  }
  if (std::ferror(stream.get())) {
    throw error(ErrorCode::kFailedPrecondition, "{}: cannot read: {}", file.string(),
                std::strerror(errno));
  }
  return hash.hex();
}

}  // namespace hwnas
