#include "service/dataset_listing.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "service/dataset_requests.hpp"
#include "service/job_rows.hpp"
#include "service/request_fields.hpp"

namespace hwnas::service {
namespace {

using nlohmann::json;

constexpr int kRowsAtOnce = 256;

/// Where a page begins: among the tenant's own, or behind a registered one.
struct Position {
  DatasetPosition own;
  std::optional<std::string> registered;  ///< empty text: before all of them
};

std::string to_text(const Position& position) {
  return (position.registered ? json{*position.registered}
                              : json{position.own.create_time, position.own.id})
      .dump();
}

/// Of a text that PageTokens has vouched for.
Position position_from(const std::string& text) {
  const json list = json::parse(text);
  if (list.size() == 1) return {.own = {}, .registered = list.at(0)};
  return {.own = {list.at(0), list.at(1)}, .registered = std::nullopt};
}

class Page {
 public:
  Page(const DatasetStore& own, const Datasets& registered, std::string tenant,
       const v1::ListDatasetsRequest& request, v1::ListDatasetsResponse& response)
      : own_(own),
        registered_(registered),
        tenant_(std::move(tenant)),
        size_(static_cast<int>(checked_page_size(request.page_size()))),
        matches_(dataset_filter(request.filter())),
        response_(response) {}

  /// Where the next page begins; nothing if this was the last one.
  std::optional<Position> fill(Position position) {
    if (!position.registered) {
      while (true) {
        const auto datasets = own_.list(tenant_, position.own, kRowsAtOnce);
        for (const DatasetRecord& dataset : datasets) {
          if (!add(to_message(dataset))) return position;
          position.own = {to_integer(dataset.create_time), dataset.id};
        }
        if (datasets.size() < kRowsAtOnce) break;
      }
      position.registered = "";
    }
    return fill_registered(std::move(position));
  }

 private:
  std::optional<Position> fill_registered(Position position) {
    const std::vector<std::string> own = own_.ids(tenant_);
    for (const std::string& id : registered_.names()) {
      if (id <= *position.registered || std::ranges::count(own, id) > 0) continue;
      if (!add(registered_dataset(tenant_, id, *registered_.find(id)))) return position;
      position.registered = id;
    }
    return std::nullopt;
  }

  /// False: it belongs on the next page.
  bool add(v1::Dataset dataset) {
    if (!matches_(dataset)) return true;
    if (response_.datasets_size() == size_) return false;
    *response_.add_datasets() = std::move(dataset);
    return true;
  }

  const DatasetStore& own_;
  const Datasets& registered_;
  const std::string tenant_;
  const int size_;
  const std::function<bool(const v1::Dataset&)> matches_;
  v1::ListDatasetsResponse& response_;
};

}  // namespace

void fill_page(const DatasetStore& own, const Datasets& registered, const PageTokens& tokens,
               const std::string& tenant, const v1::ListDatasetsRequest& request,
               v1::ListDatasetsResponse& response) {
  const std::string arguments = "datasets of " + tenant + ", " + request.filter();
  Page page(own, registered, tenant, request, response);
  Position begin;
  if (!request.page_token().empty()) {
    begin = position_from(tokens.read(request.page_token(), arguments));
  }
  if (const auto next = page.fill(std::move(begin))) {
    response.set_next_page_token(tokens.make(to_text(*next), arguments));
  }
}

}  // namespace hwnas::service
