"""What TLS listeners have on AWS. A gateway listener speaks no TLS, so there is none of it to list, and nothing can be added."""

from __future__ import annotations

from typing import NoReturn

from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import Listener, LoadBalancer
from opengwlb.wire.errors import AwsError

from .lookup import find, validation_error


@action("elbv2", "DescribeSSLPolicies")
def describe_ssl_policies(ctx: Context, params: Parameters) -> Answer:
    """None can be used by a load balancer of type gateway; tools that list them find an empty list."""
    if params.get("Names"):
        raise AwsError(
            "SSLPolicyNotFound", f"Load balancers of type 'gateway' have no SSL policy '{params['Names'][0]}'"
        )
    return {"SslPolicies": []}


@action("elbv2", "DescribeListenerCertificates")
def describe_listener_certificates(ctx: Context, params: Parameters) -> Answer:
    """None, also for tools that ask every listener for them; what AWS answers for gateway listeners is not known."""
    find(ctx, ctx.store.snapshot(), Listener, params["ListenerArn"])
    return {"Certificates": []}


@action("elbv2", "AddListenerCertificates")
def add_listener_certificates(ctx: Context, params: Parameters) -> Answer:
    _no_tls(ctx, params)


@action("elbv2", "RemoveListenerCertificates")
def remove_listener_certificates(ctx: Context, params: Parameters) -> Answer:
    _no_tls(ctx, params)


@action("elbv2", "DescribeTrustStores")
def describe_trust_stores(ctx: Context, params: Parameters) -> Answer:
    if params.get("TrustStoreArns") and params.get("Names"):
        raise validation_error("Trust store ARNs and trust store names cannot be specified at the same time")
    if params.get("TrustStoreArns") or params.get("Names"):
        raise AwsError("TrustStoreNotFound", "One or more trust stores not found")
    return {"TrustStores": []}


@action("elbv2", "GetResourcePolicy")
def get_resource_policy(ctx: Context, params: Parameters) -> Answer:
    """Only trust stores are shared by policy on AWS, and there are none."""
    raise AwsError("ResourceNotFound", f"The resource '{params['ResourceArn']}' has no resource policy")


@action("elbv2", "ModifyIpPools")
def modify_ip_pools(ctx: Context, params: Parameters) -> Answer:
    find(ctx, ctx.store.snapshot(), LoadBalancer, params["LoadBalancerArn"])
    raise validation_error("IPAM pools are not supported for load balancers of type 'gateway'")


def _no_tls(ctx: Context, params: Parameters) -> NoReturn:
    """The sentence is inferred."""
    find(ctx, ctx.store.snapshot(), Listener, params["ListenerArn"])
    raise validation_error("Certificates cannot be specified for gateway listeners")
