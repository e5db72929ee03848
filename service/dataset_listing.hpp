#pragma once

#include <string>

#include "hwnas/v1/dataset_service.pb.h"
#include "service/dataset_store.hpp"
#include "service/page_token.hpp"
#include "service/submission.hpp"

namespace hwnas::service {

/// A page of ListDatasets: the tenant's own, the newest first, then those that are registered and
/// that the tenant has none of the same name of, by name. Throws InvalidField.
void fill_page(const DatasetStore& own, const Datasets& registered, const PageTokens& tokens,
               const std::string& tenant, const v1::ListDatasetsRequest& request,
               v1::ListDatasetsResponse& response);

}  // namespace hwnas::service
