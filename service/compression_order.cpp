#include "service/compression_order.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace hwnas::service {

using nlohmann::json;

std::string CompressionOrder::text() const {
  return json{{"search_job", search_job},
              {"search_uid", search_uid},
              {"upload_name", upload_name},
              {"upload", upload},
              {"file_name", file_name},
              {"dataset", dataset},
              {"dataset_given", dataset_given},
              {"device", device},
              {"device_profile", device_profile},
              {"runtime", runtime},
              {"passes", passes},
              {"limits", limits},
              {"formats", formats}}
      .dump();
}

CompressionOrder CompressionOrder::parse(const std::string& text) {
  try {
    const json object = json::parse(text);
    CompressionOrder order;
    order.search_job = object.at("search_job");
    order.search_uid = object.at("search_uid");
    order.upload_name = object.at("upload_name");
    order.upload = object.at("upload");
    order.file_name = object.at("file_name");
    order.dataset = object.at("dataset");
    order.dataset_given = object.at("dataset_given");
    order.device = object.at("device");
    order.device_profile = object.at("device_profile");
    order.runtime = object.at("runtime");
    order.passes = object.at("passes").get<std::vector<std::string>>();
    order.limits = object.at("limits").get<std::map<std::string, double>>();
    order.formats = object.at("formats").get<std::vector<std::string>>();
    return order;
  } catch (const json::exception& fault) {
    throw error(ErrorCode::kInternal, "the store has a compression job that cannot be read: {}",
                fault.what());
  }
}

}  // namespace hwnas::service
