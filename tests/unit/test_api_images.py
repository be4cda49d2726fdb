"""Who sees, launches, shares and deregisters which image."""

from __future__ import annotations

import pytest
from api_harness import Api, refused

from opengwlb.model.images import MARKETPLACE, MARKETPLACE_ACCOUNT, Agreement, Image
from opengwlb.policy import images

MINE = Image(
    id="ami-0aaaaaaaaaaaaaaaa",
    name="acme-fw",
    description="ours",
    kind="oci",
    account="111111111111",
    region="ap-northeast-2",
    content="00",
    created=1_790_000_000.0,
)
PRODUCT = Image(
    id="ami-0bbbbbbbbbbbbbbbb",
    name="hairpin",
    description="theirs",
    kind="linux",
    account=MARKETPLACE_ACCOUNT,
    owner_alias=MARKETPLACE,
    product_code="prod-1",
    public=True,
)
OTHER = "222222222222"


@pytest.fixture
def stored(api: Api) -> Api:
    api.put(MINE, PRODUCT)
    return api


def names(api: Api, **params) -> list[str]:
    return [image["Name"] for image in api.ec2("DescribeImages", **params)["Images"]]


def by(name: str, *values: str) -> dict:
    return {"Filters": [{"Name": name, "Values": list(values)}]}


def launch(api: Api, image: str) -> dict:
    return api.ec2("RunInstances", ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]


def test_an_imported_image_is_its_owners_alone(stored: Api):
    assert names(stored, Owners=["self"]) == ["acme-fw"]
    assert "acme-fw" not in names(stored.of(OTHER))
    with refused("InvalidAMIID.NotFound", MINE.id):
        launch(stored.of(OTHER), MINE.id)
    assert launch(stored, MINE.id)["ImageId"] == MINE.id


def test_an_image_lives_in_its_region(stored: Api):
    from dataclasses import replace

    assert names(replace(stored, region="us-east-1"), Owners=["self"]) == []


def test_launch_permissions_are_given_and_taken_in_both_spellings(stored: Api):
    other = stored.of(OTHER)
    stored.ec2("ModifyImageAttribute", ImageId=MINE.id, LaunchPermission={"Add": [{"UserId": OTHER}]})
    assert names(other, Owners=["111111111111"]) == ["acme-fw"]
    assert names(other, ExecutableUsers=["self"]) == ["acme-fw"]
    assert launch(other, MINE.id)
    given = stored.ec2("DescribeImageAttribute", ImageId=MINE.id, Attribute="launchPermission")
    assert given["LaunchPermissions"] == [{"UserId": OTHER}]
    remove = {"Attribute": "launchPermission", "OperationType": "remove", "UserIds": [OTHER]}
    stored.ec2("ModifyImageAttribute", ImageId=MINE.id, **remove)
    assert names(other, Owners=["111111111111"]) == []
    everyone = {"Attribute": "launchPermission", "OperationType": "add", "UserGroups": ["all"]}
    stored.ec2("ModifyImageAttribute", ImageId=MINE.id, **everyone)
    assert "acme-fw" in names(other, **by("is-public", "true"))
    stored.ec2("ResetImageAttribute", ImageId=MINE.id, Attribute="launchPermission")
    assert "acme-fw" not in names(other)


def test_only_the_owner_changes_an_image(stored: Api):
    stored.ec2("ModifyImageAttribute", ImageId=MINE.id, LaunchPermission={"Add": [{"UserId": OTHER}]})
    other = stored.of(OTHER)
    for operation, params in (
        ("ModifyImageAttribute", {"LaunchPermission": {"Add": [{"Group": "all"}]}}),
        ("DescribeImageAttribute", {"Attribute": "launchPermission"}),
        ("DeregisterImage", {}),
    ):
        with refused("AuthFailure", MINE.id):
            other.ec2(operation, ImageId=MINE.id, **params)
    with refused("AuthFailure"):
        stored.ec2("DeregisterImage", ImageId="ami-0000000000000a001")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "MissingParameter"),
        ({"LaunchPermission": {"Add": [{"UserId": "me"}]}}, "InvalidAMIAttributeItemValue"),
        ({"UserIds": [OTHER]}, "InvalidParameterCombination"),
        ({"Attribute": "bootMode", "Value": "uefi"}, "UnsupportedOperation"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(stored: Api, params: dict, code: str):
    with refused(code):
        stored.ec2("ModifyImageAttribute", ImageId=MINE.id, **params)


def test_a_description_can_be_changed(stored: Api):
    stored.ec2("ModifyImageAttribute", ImageId=MINE.id, Description={"Value": "better"})
    found = stored.ec2("DescribeImageAttribute", ImageId=MINE.id, Attribute="description")
    assert found["Description"] == {"Value": "better"}


def test_a_deregistered_image_is_gone_for_callers_but_kept_for_its_instances(stored: Api):
    instance = launch(stored, MINE.id)["InstanceId"]
    assert stored.ec2("DeregisterImage", ImageId=MINE.id) == {"Return": True}
    assert names(stored, Owners=["self"]) == []
    with refused("InvalidAMIID.NotFound"):
        launch(stored, MINE.id)
    snapshot = stored.store.snapshot()
    assert images.no_longer_used(snapshot) == []
    assert images.contents(snapshot) == {"00"}
    from dataclasses import replace

    from opengwlb.model.compute import Instance, InstanceState

    stored.put(replace(snapshot.get(Instance, instance), state=InstanceState.TERMINATED))
    assert [one.id for one in images.no_longer_used(stored.store.snapshot())] == [MINE.id]


def test_a_marketplace_image_needs_its_terms_accepted_by_each_account(stored: Api):
    (shown,) = stored.ec2("DescribeImages", **by("owner-alias", "aws-marketplace"))["Images"]
    assert shown["ProductCodes"] == [{"ProductCodeId": "prod-1", "ProductCodeType": "marketplace"}]
    assert names(stored, Owners=["aws-marketplace"], **by("product-code", "prod-1")) == ["hairpin"]
    with refused("OptInRequired", "accept terms and subscribe", "prod-1"):
        launch(stored, PRODUCT.id)
    agreement = images.agreement_id(account=stored.account, product_code="prod-1")
    stored.put(Agreement(id=agreement, account=stored.account, product_code="prod-1", accepted=1.0))
    assert launch(stored, PRODUCT.id)["ProductCodes"][0]["ProductCodeId"] == "prod-1"
    with refused("OptInRequired"):
        launch(stored.of(OTHER), PRODUCT.id)


def test_images_are_tagged_like_everything(stored: Api):
    stored.ec2("CreateTags", Resources=[MINE.id], Tags=[{"Key": "stage", "Value": "beta"}])
    assert names(stored, **by("tag:stage", "beta")) == ["acme-fw"]
