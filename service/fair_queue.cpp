#include "service/fair_queue.hpp"

namespace hwnas::service {

void FairQueue::push(const std::string& tenant, int priority, std::int64_t uid) {
  tenants_[tenant].waiting.emplace(-priority, uid);
}

void FairQueue::erase(std::int64_t uid) {
  for (auto& [name, tenant] : tenants_) {
    std::erase_if(tenant.waiting, [uid](const Rank& rank) { return std::get<1>(rank) == uid; });
  }
}

std::optional<std::int64_t> FairQueue::pop(const std::map<std::string, int>& running,
                                           int max_running) {
  Tenant* next = nullptr;
  for (auto& [name, tenant] : tenants_) {
    const auto busy = running.find(name);
    const bool may_run = busy == running.end() || busy->second < max_running;
    if (may_run && !tenant.waiting.empty() && (!next || tenant.served < next->served)) {
      next = &tenant;
    }
  }
  if (next == nullptr) return std::nullopt;
  next->served = ++turn_;
  const std::int64_t uid = std::get<1>(*next->waiting.begin());
  next->waiting.erase(next->waiting.begin());
  return uid;
}

std::size_t FairQueue::size() const {
  std::size_t size = 0;
  for (const auto& [name, tenant] : tenants_) size += tenant.waiting.size();
  return size;
}

}  // namespace hwnas::service
