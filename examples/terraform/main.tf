# A partner's inspection service and a customer whose traffic passes it: AWS's tutorial, against OpenGWLB.
# Not verified: HashiCorp's provider cannot be run where OpenGWLB is developed. Its calls, in its order as far as they are known, are a test:
# tests/clients/test_terraform_order.py.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

variable "endpoint" {
  description = "Where `gwlb serve` listens."
  default     = "http://127.0.0.1:4566"
}

variable "region" {
  default = "ap-northeast-2"
}

variable "appliance" {
  description = "Name of the image that inspects; `aws ec2 describe-images` lists those that there are."
  default     = "opengwlb/inspector"
}

# `eval "$(gwlb env partner)"` names the file of credentials in which these profiles are.
provider "aws" {
  alias                   = "partner"
  profile                 = "partner"
  region                  = var.region
  skip_metadata_api_check = true
  skip_region_validation  = true

  endpoints {
    ec2   = var.endpoint
    elbv2 = var.endpoint
    sts   = var.endpoint
  }
}

provider "aws" {
  alias                   = "customer"
  profile                 = "customer1"
  region                  = var.region
  skip_metadata_api_check = true
  skip_region_validation  = true

  endpoints {
    ec2   = var.endpoint
    elbv2 = var.endpoint
    sts   = var.endpoint
  }
}

data "aws_caller_identity" "customer" {
  provider = aws.customer
}

# The partner

resource "aws_vpc" "security" {
  provider   = aws.partner
  cidr_block = "10.1.0.0/16"
  tags       = { Name = "security" }
}

resource "aws_subnet" "appliances" {
  provider          = aws.partner
  vpc_id            = aws_vpc.security.id
  cidr_block        = "10.1.0.0/24"
  availability_zone = "${var.region}a"
}

resource "aws_security_group" "appliances" {
  provider = aws.partner
  name     = "appliances"
  vpc_id   = aws_vpc.security.id

  ingress {
    description = "GENEVE"
    protocol    = "udp"
    from_port   = 6081
    to_port     = 6081
    cidr_blocks = [aws_subnet.appliances.cidr_block]
  }

  ingress {
    description = "health checks"
    protocol    = "tcp"
    from_port   = 80
    to_port     = 80
    cidr_blocks = [aws_subnet.appliances.cidr_block]
  }
}

data "aws_ami" "appliance" {
  provider    = aws.partner
  owners      = ["amazon"]
  most_recent = true

  filter {
    name   = "name"
    values = [var.appliance]
  }
}

resource "aws_instance" "appliance" {
  provider               = aws.partner
  ami                    = data.aws_ami.appliance.id
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.appliances.id
  vpc_security_group_ids = [aws_security_group.appliances.id]
}

resource "aws_lb" "inspection" {
  provider           = aws.partner
  name               = "inspection"
  load_balancer_type = "gateway"
  subnets            = [aws_subnet.appliances.id]
}

resource "aws_lb_target_group" "appliances" {
  provider             = aws.partner
  name                 = "appliances"
  protocol             = "GENEVE"
  port                 = 6081
  vpc_id               = aws_vpc.security.id
  deregistration_delay = 60

  health_check {
    protocol            = "TCP"
    port                = "80"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  target_failover {
    on_deregistration = "rebalance"
    on_unhealthy      = "rebalance"
  }
}

resource "aws_lb_target_group_attachment" "appliance" {
  provider         = aws.partner
  target_group_arn = aws_lb_target_group.appliances.arn
  target_id        = aws_instance.appliance.id
}

resource "aws_lb_listener" "inspection" {
  provider          = aws.partner
  load_balancer_arn = aws_lb.inspection.arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.appliances.arn
  }
}

resource "aws_vpc_endpoint_service" "inspection" {
  provider                   = aws.partner
  acceptance_required        = false
  gateway_load_balancer_arns = [aws_lb.inspection.arn]
  allowed_principals         = ["arn:aws:iam::${data.aws_caller_identity.customer.account_id}:root"]
}

# The customer

resource "aws_vpc" "shop" {
  provider   = aws.customer
  cidr_block = "10.0.0.0/16"
  tags       = { Name = "shop" }
}

resource "aws_internet_gateway" "shop" {
  provider = aws.customer
  vpc_id   = aws_vpc.shop.id
}

resource "aws_subnet" "application" {
  provider                = aws.customer
  vpc_id                  = aws_vpc.shop.id
  cidr_block              = "10.0.0.0/24"
  availability_zone       = "${var.region}a"
  map_public_ip_on_launch = true
}

resource "aws_subnet" "endpoints" {
  provider          = aws.customer
  vpc_id            = aws_vpc.shop.id
  cidr_block        = "10.0.1.0/24"
  availability_zone = "${var.region}a"
}

resource "aws_vpc_endpoint" "inspection" {
  provider          = aws.customer
  vpc_id            = aws_vpc.shop.id
  vpc_endpoint_type = "GatewayLoadBalancer"
  service_name      = aws_vpc_endpoint_service.inspection.service_name
  subnet_ids        = [aws_subnet.endpoints.id]
}

resource "aws_route_table" "edge" {
  provider = aws.customer
  vpc_id   = aws_vpc.shop.id

  route {
    cidr_block      = aws_subnet.application.cidr_block
    vpc_endpoint_id = aws_vpc_endpoint.inspection.id
  }
}

resource "aws_route_table" "inspected" {
  provider = aws.customer
  vpc_id   = aws_vpc.shop.id

  route {
    cidr_block      = "0.0.0.0/0"
    vpc_endpoint_id = aws_vpc_endpoint.inspection.id
  }
}

resource "aws_route_table" "passed" {
  provider = aws.customer
  vpc_id   = aws_vpc.shop.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.shop.id
  }
}

resource "aws_route_table_association" "edge" {
  provider       = aws.customer
  gateway_id     = aws_internet_gateway.shop.id
  route_table_id = aws_route_table.edge.id
}

resource "aws_route_table_association" "inspected" {
  provider       = aws.customer
  subnet_id      = aws_subnet.application.id
  route_table_id = aws_route_table.inspected.id
}

resource "aws_route_table_association" "passed" {
  provider       = aws.customer
  subnet_id      = aws_subnet.endpoints.id
  route_table_id = aws_route_table.passed.id
}

output "service_name" {
  value = aws_vpc_endpoint_service.inspection.service_name
}

output "endpoint" {
  value = aws_vpc_endpoint.inspection.id
}
