#include "service/http/operator_request.h"

#include <string_view>

#include "service/identity/trusted_proxies.h"

namespace gateway {

void AddHeadOf(const HttpRequest& request, CallContext* call) {
  for (const HttpField& field : request.fields) {
    for (const std::string_view name :
         {std::string_view("authorization"), std::string_view("x-api-key"),
          std::string_view("origin"), std::string_view("sec-fetch-site"),
          kForwardedForHeader, kRequestIdHeader}) {
      if (EqualsIgnoreCase(field.name, name)) {
        call->AddMetadata(name, field.value);
      }
    }
  }
  call->set_authority(request.target_authority.empty()
                          ? request.Find("host")
                          : request.target_authority);
}

}  // namespace gateway
