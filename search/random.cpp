#include "search/random.hpp"

namespace hwnas::search {

std::vector<Proposal> RandomSearch::ask(std::size_t n) {
  return propose(n, [this] { return seen_.claim_start(rng_); });
}

}  // namespace hwnas::search
